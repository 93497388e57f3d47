package web

import (
	"net/http"
	"os"
)

// Dev serves the console from a folder on disk (the package's own directory) and compiles it again for every page load, so
// that an edited source shows on reload. A source that does not compile answers 500 with the compiler's messages as text.
func Dev(dir string) http.Handler {
	d := &dev{dir: dir, last: make(chan *Assets, 1)}
	d.last <- nil
	return d
}

// dev keeps the newest build, because the page's files are fetched after the page. The channel of one is its lock.
type dev struct {
	dir  string
	last chan *Assets
}

func (d *dev) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := <-d.last
	if a == nil || Route(r.URL.Path) {
		built, err := Bundle(os.DirFS(d.dir), Debug())
		if err != nil {
			d.last <- a
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		a = built
	}
	d.last <- a
	a.serve(w, r)
}
