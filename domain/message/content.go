package message

import (
	"fmt"
	"net/url"
	"strings"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/text"
)

// Limits of what a message carries. Lengths are in Unicode code points.
const (
	DefaultMaxLength     = 5000
	MaxAttachments       = 10
	MaxURLLength         = 2048
	MaxNameLength        = 255
	MaxContentTypeLength = 127
)

// CheckContent fails with CONTENT_TOO_LONG above maxLength code points, and with
// INVALID_PAYLOAD (content) for what is empty and has no attachments either.
func CheckContent(content string, attachments []event.Attachment, maxLength int) error {
	if n := text.Length(content); n > maxLength {
		return domain.Errorf(domain.CodeContentTooLong, "the message has %d characters, %d are allowed", n, maxLength)
	}
	if text.Blank(content) && len(attachments) == 0 {
		return domain.Invalid("content", "must not be empty")
	}
	return nil
}

// CheckAttachments fails with INVALID_PAYLOAD, naming each field that is wrong.
func CheckAttachments(attachments []event.Attachment) error {
	if len(attachments) == 0 {
		return nil
	}
	if len(attachments) > MaxAttachments {
		return domain.Invalid("attachments", fmt.Sprintf("must have at most %d items", MaxAttachments))
	}
	wrong := map[string]string{}
	for i, a := range attachments {
		check := func(field string, ok bool, problem string) {
			if !ok {
				wrong[fmt.Sprintf("attachments[%d].%s", i, field)] = problem
			}
		}
		check("url", WebURL(a.URL) && text.Length(a.URL) <= MaxURLLength,
			fmt.Sprintf("must be an absolute http or https URL of at most %d characters", MaxURLLength))
		check("name", text.Printable(a.Name) && text.Length(a.Name) <= MaxNameLength,
			fmt.Sprintf("must be at most %d characters without control characters", MaxNameLength))
		check("contentType", text.Printable(a.ContentType) && text.Length(a.ContentType) <= MaxContentTypeLength,
			fmt.Sprintf("must be at most %d characters without control characters", MaxContentTypeLength))
		check("size", a.Size >= 0, "must not be negative")
	}
	if len(wrong) > 0 {
		return domain.InvalidFields(wrong)
	}
	return nil
}

// WebURL reports whether s is an absolute http or https URL that names a host and carries
// no password.
func WebURL(s string) bool {
	if !text.Printable(s) || strings.ContainsAny(s, " \\") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
}
