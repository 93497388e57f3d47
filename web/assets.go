package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Policy is the Content-Security-Policy of the console's page. Trusted Types refuse every assignment to innerHTML and its kin,
// whatever script makes it.
const Policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// prefix is where the hashed files live; everything below it may be cached for ever.
const prefix = "/assets/"

// Assets are the compiled files of the console.
type Assets struct {
	files map[string]*file
	index *file
}

// file is one answer, compressed once.
type file struct {
	kind  string
	plain []byte
	gz    []byte
	etag  string
}

func newFile(name string, content []byte) (*file, error) {
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // the system's table may differ or be absent
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".html":
		kind = "text/html; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	}
	var gz bytes.Buffer
	w, err := gzip.NewWriterLevel(&gz, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if _, err := w.Write(content); err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	sum := sha256.Sum256(content)
	return &file{kind: kind, plain: content, gz: gz.Bytes(), etag: `"` + hex.EncodeToString(sum[:12]) + `"`}, nil
}

// addIcon stores the icon under a name that holds its content hash.
func (a *Assets) addIcon(src fs.FS) (string, error) {
	text, err := fs.ReadFile(src, "src/icon.svg")
	if err != nil {
		return "", fmt.Errorf("read the console's icon: %w", err)
	}
	f, err := newFile("icon.svg", text)
	if err != nil {
		return "", err
	}
	name := "icon-" + strings.Trim(f.etag, `"`)[:8] + ".svg"
	a.files[name] = f
	return name, nil
}

// Names lists the hashed files with their size in bytes, plain and compressed.
func (a *Assets) Names() map[string][2]int {
	out := make(map[string][2]int, len(a.files))
	for name, f := range a.files {
		out[name] = [2]int{len(f.plain), len(f.gz)}
	}
	return out
}

// Handler serves the hashed files under /assets/ and the page for every address of the console. It answers GET and HEAD only;
// an address that is not the console's gets 404, so a mistyped API path never looks like a success.
func (a *Assets) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r) })
}

func (a *Assets) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the console answers GET and HEAD only", http.StatusMethodNotAllowed)
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, prefix); ok {
		a.serveFile(w, r, name)
		return
	}
	if r.URL.Path == "/favicon.ico" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if !Route(r.URL.Path) {
		http.Error(w, "not found: "+strconv.Quote(r.URL.Path), http.StatusNotFound)
		return
	}
	a.servePage(w, r)
}

func (a *Assets) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := a.files[name]
	if !ok {
		http.Error(w, "no such file; reload the page, the console was updated", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	f.write(w, r)
}

func (a *Assets) servePage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	a.index.write(w, r)
}

// write answers with the compressed bytes where the client takes them, and with 304 where it has them already.
func (f *file) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", f.etag)
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.gz
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client is gone; there is nobody to tell
}

// Route reports whether a path is an address of the console, such as / or /ask/42. The chat
// screen lives at /ask because the contract's API has the bare path /chat; a page opened at /chat moves there by itself.
func Route(p string) bool {
	if p == "/" {
		return true
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	switch first {
	case "login", "ask", "chat", "journal", "approvals", "documents", "resilience", "settings":
		return true
	}
	return false
}
