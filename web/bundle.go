package web

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Option changes how Bundle compiles.
type Option func(*api.BuildOptions)

// Debug keeps names and adds an inline source map, for the development mode.
func Debug() Option {
	return func(o *api.BuildOptions) {
		o.MinifyWhitespace, o.MinifyIdentifiers, o.MinifySyntax = false, false, false
		o.Sourcemap = api.SourceMapInline
	}
}

// Bundle compiles the console found in src (folders src and vendor as in this package; nil means the embedded sources) and
// returns its files ready to serve. The error lists every message of the compiler with file, line and column.
func Bundle(src fs.FS, opts ...Option) (*Assets, error) {
	if src == nil {
		src = embedded
	}
	o := buildOptions(src)
	for _, opt := range opts {
		opt(&o)
	}
	res := api.Build(o)
	if len(res.Errors) > 0 {
		return nil, buildError(res.Errors)
	}
	a := &Assets{files: map[string]*file{}}
	var page pageNames
	for _, out := range res.OutputFiles {
		name := path.Base(out.Path)
		f, err := newFile(name, out.Contents)
		if err != nil {
			return nil, err
		}
		a.files[name] = f
		page.note(name)
	}
	icon, err := a.addIcon(src)
	if err != nil {
		return nil, err
	}
	page.Icon = icon
	if a.index, err = renderIndex(src, page); err != nil {
		return nil, err
	}
	return a, nil
}

func buildOptions(src fs.FS) api.BuildOptions {
	return api.BuildOptions{
		EntryPoints:       []string{"src/main.tsx", "src/theme.ts"},
		EntryNames:        "[name]-[hash]",
		Outdir:            "/",
		Bundle:            true,
		Write:             false,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		JSX:               api.JSXAutomatic,
		JSXImportSource:   "preact",
		LegalComments:     api.LegalCommentsNone,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LogLevel:          api.LogLevelSilent,
		// Everything comes from src through the plugin; a tsconfig on the machine must not change what is built.
		TsconfigRaw: `{"compilerOptions":{"jsx":"react-jsx","jsxImportSource":"preact"}}`,
		Plugins:     []api.Plugin{fsPlugin(src)},
	}
}

// fsPlugin makes esbuild read only from src: paths relative to the importing file, or the vendored module of a bare name.
func fsPlugin(src fs.FS) api.Plugin {
	return api.Plugin{Name: "fs", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `.*`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			name, err := resolve(src, args)
			return api.OnResolveResult{Path: name, Namespace: "web"}, err
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "web"}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			return load(src, args.Path)
		})
	}}
}

// resolve finds the file an import means.
func resolve(src fs.FS, args api.OnResolveArgs) (string, error) {
	if args.Kind == api.ResolveEntryPoint {
		return path.Clean(args.Path), nil
	}
	base := path.Join(path.Dir(args.Importer), args.Path)
	if !strings.HasPrefix(args.Path, ".") {
		base = "vendor/" + strings.NewReplacer("@", "", "/", "-").Replace(args.Path)
	}
	for _, ext := range []string{"", ".ts", ".tsx", ".mjs"} {
		if info, err := fs.Stat(src, base+ext); err == nil && !info.IsDir() {
			return base + ext, nil
		}
	}
	return "", fmt.Errorf("%s imports %q, which is neither a file of the console nor a vendored module", args.Importer, args.Path)
}

func load(src fs.FS, name string) (api.OnLoadResult, error) {
	text, err := fs.ReadFile(src, name)
	if err != nil {
		return api.OnLoadResult{}, fmt.Errorf("read console source: %w", err)
	}
	loader := api.LoaderTS
	switch path.Ext(name) {
	case ".tsx":
		loader = api.LoaderTSX
	case ".mjs":
		loader = api.LoaderJS
		// The vendored files name source maps that are not copied with them.
		if i := bytes.LastIndex(text, []byte("//# sourceMappingURL=")); i >= 0 {
			text = text[:i]
		}
	case ".css":
		loader = api.LoaderCSS
	}
	s := string(text)
	return api.OnLoadResult{Contents: &s, Loader: loader}, nil
}

// buildError turns esbuild's messages into one error, a line for each.
func buildError(msgs []api.Message) error {
	var errs []error
	for _, m := range msgs {
		if l := m.Location; l != nil {
			errs = append(errs, fmt.Errorf("%s:%d:%d: %s", strings.TrimPrefix(l.File, "web:"), l.Line, l.Column+1, m.Text))
			continue
		}
		errs = append(errs, errors.New(m.Text))
	}
	return fmt.Errorf("bundle the console: %w", errors.Join(errs...))
}

// pageNames are the file names that the page refers to.
type pageNames struct{ Script, Style, Theme, Icon string }

func (p *pageNames) note(name string) {
	switch {
	case strings.HasPrefix(name, "main-") && strings.HasSuffix(name, ".js"):
		p.Script = name
	case strings.HasPrefix(name, "main-") && strings.HasSuffix(name, ".css"):
		p.Style = name
	case strings.HasPrefix(name, "theme-"):
		p.Theme = name
	}
}

// renderIndex puts the file names into the page. They are made of letters,
// digits, dots and dashes by the bundler, so nothing needs escaping. No template
// engine: one call of it makes the linker keep every method of the program.
func renderIndex(src fs.FS, names pageNames) (*file, error) {
	page, err := fs.ReadFile(src, "src/index.html")
	if err != nil {
		return nil, fmt.Errorf("read the console's page: %w", err)
	}
	fill := strings.NewReplacer("{{.Icon}}", names.Icon, "{{.Theme}}", names.Theme, "{{.Style}}", names.Style, "{{.Script}}", names.Script)
	text := fill.Replace(string(page))
	if strings.Contains(text, "{{") {
		return nil, errors.New("write the console's page: it has a place that nothing fills")
	}
	return newFile("index.html", []byte(text))
}
