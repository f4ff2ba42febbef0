// Package web serves the page: what `npm run build` has made of web/app is a part of the program, so it needs nothing
// from anywhere else, and page and server are always of one version.
//
//	web.go        the files, and which of them a request gets
//	encoding.go   Accept-Encoding
//
// # Promises
//
// Caching. Names of files in assets/ hold a hash of what is in them: browsers and proxies keep them for good. index.html,
// which names them, is asked for each time, and costs a 304.
//
// Compression. Files are compressed once, when the page is built (web/precompress.mjs), as far as it goes.
//
// Safety. The page runs what came with it: a policy forbids scripts and styles from elsewhere or within the HTML, frames
// around it, and forms that are sent away.
//
// A fresh clone has no page: then a note says how to build it.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// Built is the page that was there when the program was built; the note in its place if there was none.
func Built() fs.FS {
	if page, err := fs.Sub(dist, "dist/app"); err == nil {
		if _, err := fs.Stat(page, index); err == nil {
			return page
		}
	}
	note, err := fs.Sub(dist, "dist/unbuilt")
	if err != nil {
		panic(err) // the name is valid
	}
	return note
}

const (
	index = "index.html"
	// hashed is where the files are that never change.
	hashed = "assets/"
)

// policy lets the page load its own parts and speak with its own host, sockets included.
const policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// views begin the addresses within the page, which index.html answers.
func views() []string { return []string{"ops", "rooms"} }

// Page is an http.Handler. It is safe for concurrent use.
type Page struct {
	files map[string]file
	next  http.Handler
}

// file is one in all its encodings.
type file struct {
	contentType string
	control     string
	// bodies are by Content-Encoding, "" for the file as it is.
	bodies map[string]body
}

type body struct {
	data []byte
	etag string
}

// New serves a folder. What it does not have is left to next.
func New(folder fs.FS, next http.Handler) (*Page, error) {
	p := &Page{files: map[string]file{}, next: next}
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		p.add(name, data)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	return p, nil
}

// add takes in a file, or another encoding of one.
func (p *Page) add(name string, data []byte) {
	encoding := ""
	for _, e := range encodings() {
		if plain, is := strings.CutSuffix(name, e.suffix); is {
			name, encoding = plain, e.name
		}
	}
	f, known := p.files[name]
	if !known {
		f = file{contentType: contentType(name), control: "no-cache", bodies: map[string]body{}}
		if strings.HasPrefix(name, hashed) {
			f.control = "public, max-age=31536000, immutable"
		}
	}
	sum := sha256.Sum256(data)
	f.bodies[encoding] = body{data, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	p.files[name] = f
}

// contentType does not ask the machine, where the answer may be another one.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".json":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	default:
		return "application/octet-stream"
	}
}

// ServeHTTP answers with a file, or with index.html for an address within the page.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p.find(r.URL.Path)
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		p.next.ServeHTTP(w, r)
		return
	}
	f.serve(w, r)
}

func (p *Page) find(address string) (file, bool) {
	name := strings.TrimPrefix(address, "/")
	first, _, _ := strings.Cut(name, "/")
	if name == "" || slices.Contains(views(), first) {
		name = index
	}
	f, ok := p.files[name]
	return f, ok
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.control)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	encoding := ""
	if len(f.bodies) > 1 {
		h.Set("Vary", "Accept-Encoding")
		encoding = choose(r.Header.Values("Accept-Encoding"), f.bodies)
	}
	b := f.bodies[encoding]
	h.Set("ETag", b.etag)
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
		r = whole(r)
		h.Set("Content-Length", strconv.Itoa(len(b.data)))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.data))
}

// whole takes from a request that it wants a part: nobody goes on with a part of something compressed.
func whole(r *http.Request) *http.Request {
	if r.Header.Get("Range") == "" {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Del("Range")
	return r
}
