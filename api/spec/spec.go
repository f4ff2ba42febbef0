// Package spec describes both doors of the server: openapi.json what is asked over HTTP, asyncapi.json what goes over
// sockets, and a page that shows them. The descriptions are made from the Go types by tests (go test -update ./api
// ./realtime/gateway), which fail when a route, a command, an event, a field or a code is missing; and the tests of both
// doors check what is really answered and pushed against them.
//
// The page is served with all that it needs: it loads nothing from anywhere else.
package spec

import (
	"embed"
	_ "embed" // the descriptions
)

//go:embed openapi.json
var openAPI []byte

//go:embed asyncapi.json
var asyncAPI []byte

//go:embed page
var page embed.FS

// OpenAPI is the description of REST, as JSON.
func OpenAPI() []byte { return openAPI }

// AsyncAPI is the description of the sockets, as JSON.
func AsyncAPI() []byte { return asyncAPI }

// File is a part of the page: index.html, or what it loads.
func File(name string) ([]byte, error) { return page.ReadFile("page/" + name) }
