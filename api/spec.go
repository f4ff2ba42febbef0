package api

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"

	"github.com/labstack/echo/v4"

	"parley/api/spec"
)

func (a *API) specRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/openapi.json", Access: Open, handle: func(c *call) error {
			return c.described(echo.MIMEApplicationJSON, spec.OpenAPI())
		}},
		{Method: http.MethodGet, Path: "/asyncapi.json", Access: Open, handle: func(c *call) error {
			return c.described(echo.MIMEApplicationJSON, spec.AsyncAPI())
		}},
		{Method: http.MethodGet, Path: "/docs", Access: Open, handle: func(c *call) error { return c.docs("index.html") }},
		{Method: http.MethodGet, Path: "/docs/:file", Access: Open, handle: func(c *call) error { return c.docs(c.param("file")) }},
	}
}

// pagePolicy lets the page load its own parts, and nothing from anywhere else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs answers with a part of the page that shows the descriptions.
func (c *call) docs(name string) error {
	data, err := spec.File(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, pagePolicy)
	return c.described(mime.TypeByExtension(path.Ext(name)), data)
}

// described answers with what is the same for everybody until the program is another one.
func (c *call) described(contentType string, data []byte) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=300")
	return c.Blob(http.StatusOK, contentType, data)
}
