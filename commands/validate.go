package commands

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/text"
)

// checker enforces the validate tags of the requests.
type checker struct {
	validate *validator.Validate
}

func newChecker() (*checker, error) {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	for tag, ok := range map[string]func(string) bool{
		"id":        domain.ValidID,
		"printable": text.Printable,
		"text":      func(s string) bool { _, ok := text.Clean(s); return ok },
		"uuid":      func(s string) bool { _, err := event.ParseID(s); return err == nil },
		"weburl":    message.WebURL,
	} {
		fn := func(fl validator.FieldLevel) bool { return ok(fl.Field().String()) }
		if err := v.RegisterValidation(tag, fn); err != nil {
			return nil, fmt.Errorf("register the validation %q: %w", tag, err)
		}
	}
	return &checker{validate: v}, nil
}

// check fails with INVALID_PAYLOAD and says what is wrong with each field, by its path in
// the JSON of the request.
func (c *checker) check(request any) error {
	err := c.validate.Struct(request)
	if err == nil {
		return nil
	}
	var wrong validator.ValidationErrors
	if !errors.As(err, &wrong) {
		return fmt.Errorf("check a %T: %w", request, err)
	}
	fields := make(map[string]string, len(wrong))
	for _, w := range wrong {
		_, path, _ := strings.Cut(w.Namespace(), ".")
		fields[path] = problem(w)
	}
	return domain.InvalidFields(fields)
}

// problem says in plain English what is wrong.
func problem(w validator.FieldError) string {
	switch w.ActualTag() {
	case "required", "required_unless", "required_without":
		return "is required"
	case "max":
		return "must be at most " + amount(w)
	case "min":
		return "must be at least " + amount(w)
	case "oneof":
		return "must be one of " + strings.ReplaceAll(w.Param(), " ", ", ")
	case "id":
		return fmt.Sprintf("must be 1 to %d letters, digits or any of -_.:@|+=", domain.MaxIDLength)
	case "uuid":
		return "must be a UUID"
	case "printable":
		return "must be text without control characters"
	case "text":
		return "must be valid UTF-8"
	case "weburl", "weburl|len=0":
		return "must be an absolute http or https URL"
	default:
		return "is not valid"
	}
}

func amount(w validator.FieldError) string {
	unit := ""
	switch w.Kind() { // numbers have no unit
	case reflect.String:
		unit = " characters"
	case reflect.Slice, reflect.Map:
		unit = " items"
	default:
	}
	if w.Param() == "1" {
		unit = strings.TrimSuffix(unit, "s")
	}
	return w.Param() + unit
}

// maxCorrelation bounds a correlation id that came from outside, in bytes.
const maxCorrelation = 128

func saneCorrelation(id string) bool {
	return id != "" && len(id) <= maxCorrelation && text.Printable(id)
}

// clean removes control characters; what is not UTF-8 stays for the check to refuse.
func clean(s *string) {
	if s == nil {
		return
	}
	if cleaned, ok := text.Clean(*s); ok {
		*s = cleaned
	}
}

// trim removes the white space around a name.
func trim(s *string) {
	if s != nil {
		*s = strings.TrimSpace(*s)
	}
}

// respell gives a UUID the one spelling that other ids are derived from; anything else stays
// for the check to refuse.
func respell(id *string) {
	if *id == "" {
		return
	}
	if parsed, err := event.ParseID(*id); err == nil {
		*id = parsed.String()
	}
}
