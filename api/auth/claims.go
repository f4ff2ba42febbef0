package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/domain"
)

const (
	maxNameLength = 256 // bytes of the claims username and email
	maxRoles      = 32
	maxRoleLength = 64
	maxSidLength  = 64
)

// Claims is what a verified token says.
type Claims struct {
	domain.Principal
	// Email is the claim of that name, "" if there is none.
	Email string
}

// payload is the JSON of a token. Names are exact: encoding/json alone would take "EXP" for "exp".
type payload struct {
	jwt.MapClaims
}

// UnmarshalJSON refuses what could be read in two ways.
func (p *payload) UnmarshalJSON(data []byte) error {
	if err := uniqueKeys(data); err != nil {
		return err
	}
	return json.Unmarshal(data, &p.MapClaims)
}

// GetExpirationTime refuses what the conversion to a time would garble.
func (p *payload) GetExpirationTime() (*jwt.NumericDate, error) { return p.date("exp") }

// GetNotBefore is the claim nbf.
func (p *payload) GetNotBefore() (*jwt.NumericDate, error) { return p.date("nbf") }

// GetIssuedAt is the claim iat.
func (p *payload) GetIssuedAt() (*jwt.NumericDate, error) { return p.date("iat") }

// maxDate is the last second of the year 9999, which is also the last that JSON times can say.
const maxDate = 253402300799

func (p *payload) date(name string) (*jwt.NumericDate, error) {
	raw, ok := p.MapClaims[name]
	if !ok {
		return nil, nil //nolint:nilnil // what the interface asks for a claim that is not there
	}
	seconds, ok := raw.(float64)
	if !ok || math.IsNaN(seconds) || seconds < 0 || seconds > maxDate {
		return nil, fmt.Errorf("%s is not a date: %w", name, jwt.ErrInvalidType)
	}
	whole, fraction := math.Modf(seconds)
	return jwt.NewNumericDate(time.Unix(int64(whole), int64(fraction*1e9))), nil
}

// claims reads the verified payload.
func (p *payload) claims() (Claims, error) {
	id, err := p.userID()
	if err != nil {
		return Claims{}, err
	}
	c := Claims{Principal: domain.Principal{UserID: id}}
	if c.Username, err = p.text("username", maxNameLength); err != nil {
		return Claims{}, err
	}
	if c.Email, err = p.text("email", maxNameLength); err != nil {
		return Claims{}, err
	}
	if c.SessionID, err = p.text("sid", maxSidLength); err != nil {
		return Claims{}, err
	}
	if c.Roles, err = p.roles(); err != nil {
		return Claims{}, err
	}
	if expires, err := p.GetExpirationTime(); err == nil && expires != nil {
		c.ExpiresAt = expires.Time
	}
	if issued, err := p.GetIssuedAt(); err == nil && issued != nil {
		c.IssuedAt = issued.Time
	}
	return c, nil
}

// userID is the claim userId, else sub. A userId that is there but unusable is refused: the
// token means somebody, and not the one that sub names.
func (p *payload) userID() (string, error) {
	raw, ok := p.MapClaims["userId"]
	if !ok {
		raw = p.MapClaims["sub"]
	}
	id, ok := raw.(string)
	if !ok || !domain.ValidID(id) {
		return "", errors.New("the token names no user")
	}
	return id, nil
}

func (p *payload) text(name string, limit int) (string, error) {
	raw, ok := p.MapClaims[name]
	if !ok || raw == nil {
		return "", nil
	}
	s, ok := raw.(string)
	if !ok || len(s) > limit {
		return "", fmt.Errorf("claim %s is not a short text", name)
	}
	return s, nil
}

func (p *payload) roles() ([]domain.Role, error) {
	raw, ok := p.MapClaims["roles"]
	if !ok || raw == nil {
		return nil, nil
	}
	list, ok := raw.([]any)
	if !ok || len(list) > maxRoles {
		return nil, errors.New("claim roles is not a short list")
	}
	roles := make([]domain.Role, 0, len(list))
	for _, item := range list {
		role, ok := item.(string)
		if !ok || len(role) > maxRoleLength {
			return nil, errors.New("claim roles holds something else than names")
		}
		roles = append(roles, domain.Role(role))
	}
	return roles, nil
}

// checkHeader refuses what changes the meaning of a token: a critical extension (RFC 7515
// section 4.1.11; none is known here), an unencoded payload, a name said twice.
func checkHeader(header []byte) error {
	if err := uniqueKeys(header); err != nil {
		return err
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(header, &names); err != nil {
		return err
	}
	for _, name := range []string{"crit", "b64", "enc", "zip"} {
		if _, ok := names[name]; ok {
			return fmt.Errorf("header %s is not supported", name)
		}
	}
	return nil
}

// uniqueKeys refuses an object in which a name stands twice at the top, and data that is no object.
func uniqueKeys(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	var seen []string
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // a name, by the grammar
		if slices.Contains(seen, name) {
			return fmt.Errorf("%.32q stands twice", name)
		}
		if seen = append(seen, name); len(seen) > maxMembers {
			return errors.New("too many members")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
	}
	return nil
}

// maxMembers bounds the search for names that stand twice.
const maxMembers = 128
