package auth

import (
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"parley/domain"
	"parley/domain/text"
)

// account is a row of auth.accounts.
type account struct {
	userID       string
	username     string
	usernameKey  string
	email        string
	emailKey     string
	passwordHash string
	roles        []domain.Role
	createdAt    time.Time
	registered   bool
}

const (
	maxUsernameLength    = 64  // code points
	maxDisplayNameLength = 128 // code points, as commands.RegisterUser allows
	maxEmailLength       = 254
)

// newAccount checks names and address: all that could be refused once the account is stored.
// The id and the hash come later.
func newAccount(r Registration) (account, error) {
	fields := map[string]string{}
	username := strings.TrimSpace(r.Username)
	switch {
	case username == "":
		fields["username"] = "is required"
	case !utf8.ValidString(username) || strings.ContainsFunc(username, unprintable):
		fields["username"] = "must be printable text"
	case utf8.RuneCountInString(username) > maxUsernameLength:
		fields["username"] = "must have at most 64 characters"
	}
	if name := strings.TrimSpace(r.DisplayName); !text.Printable(name) || text.Length(name) > maxDisplayNameLength {
		fields["displayName"] = "must be at most 128 characters without control characters"
	}
	email := strings.TrimSpace(r.Email)
	if email != "" && !validEmail(email) {
		fields["email"] = "must be an e-mail address"
	}
	if len(fields) > 0 {
		return account{}, domain.InvalidFields(fields)
	}
	return account{
		username: username, usernameKey: nameKey(username),
		email: email, emailKey: nameKey(email), roles: r.Roles,
	}, nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// validEmail is deliberately loose: only a message sent to it proves an address.
func validEmail(s string) bool {
	if len(s) > maxEmailLength || strings.ContainsFunc(s, unprintable) || strings.ContainsAny(s, " ,;<>\"") {
		return false
	}
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s
}

// nameKey is equal for spellings that people take for the same: case, width, composition.
func nameKey(s string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(s))))
}

// loginKey says by what to look the account up.
func loginKey(l Login) (field, key string, err error) {
	switch {
	case l.Username != "" && len(l.Username) <= 4*maxUsernameLength:
		return byUsername, nameKey(l.Username), nil
	case l.Username == "" && l.Email != "" && len(l.Email) <= maxEmailLength:
		return byEmail, nameKey(l.Email), nil
	case l.Username == "" && l.Email == "":
		return "", "", domain.Invalid("username", "is required (or email)")
	default:
		return "", "", errWrongLogin()
	}
}
