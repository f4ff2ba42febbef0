package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"parley/domain"
	"parley/projections"
)

// decode reads the body: one JSON object. Members that into does not have are ignored.
func (c *call) decode(into any) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return domain.Invalid("body", "is required: a JSON object")
	}
	return unmarshal(body, into)
}

// decodeOptional is decode for a body that may be left out.
func (c *call) decodeOptional(into any) error {
	body, err := c.body()
	if err != nil || len(body) == 0 {
		return err
	}
	return unmarshal(body, into)
}

func (c *call) body() ([]byte, error) {
	r := c.Request()
	data, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errTooLarge(tooLarge.Limit)
	}
	if err != nil {
		return nil, domain.Invalid("body", "could not be read")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if !isJSON(r.Header.Get(echo.HeaderContentType)) {
		return nil, withStatus(http.StatusUnsupportedMediaType, domain.Invalid("body", "must be application/json"))
	}
	return data, nil
}

// isJSON takes application/json, application/anything+json, and nothing at all for it.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == echo.MIMEApplicationJSON ||
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

func unmarshal(data []byte, into any) error {
	if !utf8.Valid(data) {
		return domain.Invalid("body", "must be UTF-8")
	}
	if data = bytes.TrimSpace(data); data[0] != '{' {
		return domain.Invalid("body", "must be a JSON object")
	}
	err := json.Unmarshal(data, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return domain.Invalid(fieldName(wrong.Field), fmt.Sprintf("must not be a JSON %.40s", wrong.Value)) // it holds the number
	}
	if err != nil {
		return domain.Invalid("body", "must be valid JSON")
	}
	return nil
}

func fieldName(path string) string {
	if path == "" {
		return "body"
	}
	return path
}

// param is a parameter of the path, decoded.
func (c *call) param(name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return value // the router has seen the decoded path
	}
	decoded, err := url.PathUnescape(value)
	if err != nil {
		return value
	}
	return decoded
}

// query collects what is wrong with the parameters of a query.
type query struct {
	values url.Values
	fields map[string]string
}

func (c *call) query() *query {
	return &query{values: c.QueryParams(), fields: map[string]string{}}
}

// err is INVALID_PAYLOAD when anything was wrong.
func (q *query) err() error {
	if len(q.fields) == 0 {
		return nil
	}
	return domain.InvalidFields(q.fields)
}

// maxQueryText bounds a text that is searched for, in bytes.
const maxQueryText = 256

func (q *query) text(name string) string {
	s := q.values.Get(name)
	if len(s) > maxQueryText || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		q.fields[name] = "must be a short text"
	}
	return s
}

const maxCursor = 2048

func (q *query) cursor() string {
	s := q.values.Get("cursor")
	if len(s) > maxCursor {
		q.fields["cursor"] = "is not one that a list has given"
	}
	return s
}

// limit is 0 when it is not given.
func (q *query) limit() int {
	if !q.values.Has("limit") {
		return 0
	}
	n, err := strconv.Atoi(q.values.Get("limit"))
	if err != nil || n < 1 || n > projections.MaxLimit {
		q.fields["limit"] = "must be 1 to " + strconv.Itoa(projections.MaxLimit)
	}
	return n
}

// seq is false when it is not given.
func (q *query) seq(name string, least int64) (int64, bool) {
	if !q.values.Has(name) {
		return 0, false
	}
	n, err := strconv.ParseInt(q.values.Get(name), 10, 64)
	if err != nil || n < least {
		q.fields[name] = "must be a whole number, at least " + strconv.FormatInt(least, 10)
	}
	return n, true
}

// oneOf is the first of the values when it is not given.
func (q *query) oneOf(name string, values ...string) string {
	s := q.values.Get(name)
	if s == "" {
		return values[0]
	}
	for _, v := range values {
		if s == v {
			return v
		}
	}
	q.fields[name] = "must be " + strings.Join(values, " or ")
	return ""
}
