package web_test

import (
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"resync/web"
)

// bundle compiles the embedded console once for all tests of the package.
func bundle(t testing.TB) *web.Assets {
	t.Helper()
	a, err := web.Bundle(nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestBundleIsReproducible(t *testing.T) {
	a, b := bundle(t).Names(), bundle(t).Names()
	if !maps.Equal(a, b) {
		t.Errorf("two builds of the same sources differ: %v and %v", a, b)
	}
	for _, kind := range []string{"main-*.js", "main-*.css", "theme-*.js", "icon-*.svg"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(a)), func(n string) bool { ok, _ := path.Match(kind, n); return ok }) {
			t.Errorf("the build has no %s: %v", kind, a)
		}
	}
}

// TestBundleStaysSmall keeps the console's weight in sight: what a browser loads over a VPN at night.
func TestBundleStaysSmall(t *testing.T) {
	var plain, gz int
	for _, size := range bundle(t).Names() {
		plain, gz = plain+size[0], gz+size[1]
	}
	if plain > 220_000 || gz > 70_000 {
		t.Errorf("the console weighs %d bytes, %d compressed; the limits are 220,000 and 70,000", plain, gz)
	}
	t.Logf("console: %d bytes, %d compressed", plain, gz)
}

func TestBundleErrorNamesTheLine(t *testing.T) {
	broken := fstest.MapFS{
		"src/main.tsx":   {Data: []byte("import { x } from './gone';\nx(;\n")},
		"src/theme.ts":   {Data: []byte("")},
		"src/index.html": {Data: []byte("")},
		"src/icon.svg":   {Data: []byte("")},
	}
	_, err := web.Bundle(broken)
	if err == nil || !strings.Contains(err.Error(), "src/main.tsx:2:3") {
		t.Errorf("error = %v, want one that names src/main.tsx:2:3", err)
	}
	broken["src/main.tsx"] = &fstest.MapFile{Data: []byte("import 'left-pad';")}
	if _, err = web.Bundle(broken); err == nil || !strings.Contains(err.Error(), `"left-pad"`) {
		t.Errorf("error = %v, want one that names the module that is not vendored", err)
	}
}

func get(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestHandler(t *testing.T) {
	a := bundle(t)
	h := a.Handler()
	var script string
	for name := range a.Names() {
		if strings.HasPrefix(name, "main-") && strings.HasSuffix(name, ".js") {
			script = "/assets/" + name
		}
	}
	for _, tc := range []struct {
		name, method, target string
		header               []string
		status               int
		want                 map[string]string
	}{
		{"page", "GET", "/", nil, 200, map[string]string{"Content-Security-Policy": web.Policy, "Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8", "Content-Encoding": ""}},
		{"deep link", "GET", "/ask/42?src=e1", []string{"Accept-Encoding", "gzip, br"}, 200, map[string]string{"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}},
		{"head", "HEAD", "/journal", nil, 200, nil},
		{"documents", "GET", "/documents?q=x", nil, 200, nil},
		{"resilience", "GET", "/resilience", nil, 200, nil},
		{"script", "GET", script, nil, 200, map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff"}},
		{"old script", "GET", "/assets/main-OLD.js", nil, 404, nil},
		{"parent folder", "GET", "/assets/../../etc/passwd", nil, 404, nil},
		{"mistyped API path", "GET", "/api/v1/nothing", nil, 404, nil},
		{"unknown page", "GET", "/asks", nil, 404, nil},
		{"write", "POST", "/", nil, 405, map[string]string{"Allow": "GET, HEAD"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := get(t, h, tc.method, tc.target, tc.header...)
			if res.StatusCode != tc.status {
				t.Errorf("status = %d, want %d", res.StatusCode, tc.status)
			}
			for k, v := range tc.want {
				if got := res.Header.Get(k); got != v {
					t.Errorf("%s = %q, want %q", k, got, v)
				}
			}
		})
	}
	res := get(t, h, "GET", "/")
	if again := get(t, h, "GET", "/", "If-None-Match", res.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("asked with its ETag the page answers %d, want 304", again.StatusCode)
	}
}

func TestDevRebuildsOnReload(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, web.Source()); err != nil {
		t.Fatal(err)
	}
	h := web.Dev(dir)
	page := func() string {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		return rec.Body.String()
	}
	before := page()
	css := path.Join(dir, "src/style/tokens.css")
	if err := os.WriteFile(css, []byte(":root{--bg:red}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if page() == before {
		t.Error("the page names the same files after a source changed")
	}
	if err := os.WriteFile(path.Join(dir, "src/main.tsx"), []byte("let ="), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := page(); !strings.Contains(text, "src/main.tsx:1:") {
		t.Errorf("a source that does not compile shows %q, want file and line", text)
	}
}

// TestNoMarkupFromStrings refuses every way by which text from a job name, a log or a model could become markup or code.
func TestNoMarkupFromStrings(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|\.srcdoc|javascript:|style="|https?://`)
	files := 0
	err := fs.WalkDir(web.Source(), "src", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := fs.ReadFile(web.Source(), name)
		for i, line := range strings.Split(string(text), "\n") {
			if m := forbidden.FindString(strings.ReplaceAll(line, "http://www.w3.org/2000/svg", "")); m != "" {
				t.Errorf("%s:%d uses %s", name, i+1, m)
			}
		}
		return err
	})
	if err != nil || files < 20 {
		t.Fatalf("%d files read, %v", files, err)
	}
}

func BenchmarkBundle(b *testing.B) {
	for b.Loop() {
		if _, err := web.Bundle(nil); err != nil {
			b.Fatal(err)
		}
	}
}
