package refactor

import (
	"cmp"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Analysis is what docs/core_analysis.json holds. The first six names are the
// contract's; the others are new with Go.
type Analysis struct {
	Generated    time.Time           `json:"generated"`
	Statistics   Statistics          `json:"statistics"`
	Files        []FileInfo          `json:"files"`
	Grouping     map[string][]string `json:"grouping"`     // group → files
	Duplications []Duplication       `json:"duplications"` // files whose names differ by a suffix such as _v2
	Structure    map[string][]string `json:"existing_structure"`

	Module           string         `json:"module"`
	GoVersion        string         `json:"go_version"`
	Packages         []PackageInfo  `json:"packages"`
	DuplicateBodies  []Duplicate    `json:"duplicate_bodies"`
	LargestFunctions []FunctionInfo `json:"largest_functions"`
	Cycles           *Cycles        `json:"cycles"`
	Nested           []string       `json:"nested_modules"`
	Broken           []string       `json:"broken"` // files left out because they do not parse
}

// Statistics are the totals.
type Statistics struct {
	TotalFiles int     `json:"total_files"`
	TotalLines int     `json:"total_lines"`
	AvgLines   float64 `json:"avg_lines"`
	RootFiles  int     `json:"root_files"`
	TestFiles  int     `json:"test_files"`
	Generated  int     `json:"generated_files"`
	Packages   int     `json:"packages"`
	Functions  int     `json:"functions"`
}

// FileInfo is one file. Classes are its types; the name is the contract's.
type FileInfo struct {
	Path            string   `json:"path"` // below the repository's module root, as RelativePath
	RelativePath    string   `json:"relative_path"`
	Name            string   `json:"name"`
	Directory       string   `json:"directory"`
	Lines           int      `json:"lines"`
	Imports         []string `json:"imports"`
	InternalImports []string `json:"internal_imports"`
	Classes         []string `json:"classes"`
	Functions       []string `json:"functions"`
	Docstring       string   `json:"docstring"` // at most 200 characters
	Test            bool     `json:"test"`
	Generated       bool     `json:"generated"`
	Undocumented    int      `json:"undocumented"` // exported names without a comment
}

// PackageInfo is one package and its place in the graph.
type PackageInfo struct {
	Path       string   `json:"path"`
	Dir        string   `json:"directory"`
	Name       string   `json:"name"`
	Files      int      `json:"files"`
	TestFiles  int      `json:"test_files"`
	Lines      int      `json:"lines"`
	Imports    []string `json:"imports"` // directories of this module
	ImportedBy []string `json:"imported_by"`
	Floor      int      `json:"floor"` // lowest on which it imports only lower ones
}

// FunctionInfo is one function and its length.
type FunctionInfo struct {
	Name  string `json:"name"` // with its receiver, as T.M
	File  string `json:"file"`
	Line  int    `json:"line"`
	Lines int    `json:"lines"`
}

// docLimit is how much of a file's comment the contract keeps, in characters.
const docLimit = 200

// Analyze describes the module. It reads nothing but what Open has read.
func Analyze(m *Module, rules Rules) *Analysis {
	g := importGraph(m)
	a := &Analysis{
		Generated: time.Now().UTC().Truncate(time.Second), Module: m.Path, GoVersion: m.Go,
		Structure: map[string][]string{}, Grouping: map[string][]string{},
		Packages: packageInfos(m, g), Cycles: FindCycles(m, nil, 1),
		Nested: append([]string{}, m.Nested...), Broken: []string{}, Files: []FileInfo{},
	}
	for _, err := range m.Broken {
		a.Broken = append(a.Broken, err.Error())
	}
	var funcs []FunctionInfo
	dup := duplicateFinder{}
	for _, f := range m.Files {
		info := m.fileInfo(f)
		a.Files = append(a.Files, info)
		a.Structure[f.Dir] = append(a.Structure[f.Dir], info.Name)
		group := rules.group(info)
		a.Grouping[group] = append(a.Grouping[group], f.Path)
		a.Statistics.count(f)
		funcs = append(funcs, m.functions(f, dup)...)
	}
	a.Statistics.finish(len(m.Packages), len(funcs))
	a.Duplications = nameDuplicates(a.Files)
	a.DuplicateBodies = dup.found()
	a.LargestFunctions = largest(funcs, 25, func(f FunctionInfo) int { return f.Lines })
	return a
}

func (s *Statistics) count(f *File) {
	s.TotalFiles++
	s.TotalLines += f.Lines
	if f.Dir == "." {
		s.RootFiles++
	}
	if f.Test {
		s.TestFiles++
	}
	if f.Generated {
		s.Generated++
	}
}

func (s *Statistics) finish(packages, functions int) {
	s.Packages, s.Functions = packages, functions
	if s.TotalFiles > 0 {
		s.AvgLines = float64(s.TotalLines) / float64(s.TotalFiles)
	}
}

func (m *Module) fileInfo(f *File) FileInfo {
	info := FileInfo{
		Path: f.Path, RelativePath: f.Path, Name: path.Base(f.Path), Directory: f.Dir, Lines: f.Lines, Test: f.Test, Generated: f.Generated,
		Imports: []string{}, InternalImports: []string{}, Classes: []string{}, Functions: []string{},
	}
	for _, spec := range f.AST.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		info.Imports = append(info.Imports, p)
		if _, ok := m.dirOf(p); ok {
			info.InternalImports = append(info.InternalImports, p)
		}
	}
	for _, d := range f.AST.Decls {
		info.declared(d)
	}
	if f.AST.Doc != nil {
		info.Docstring = cut(f.AST.Doc.Text(), docLimit)
	}
	return info
}

// declared notes the types and functions of a declaration.
func (info *FileInfo) declared(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := functionName(d)
		info.Functions = append(info.Functions, name)
		if ast.IsExported(d.Name.Name) && d.Doc == nil && !info.Test {
			info.Undocumented++
		}
	case *ast.GenDecl:
		if d.Tok != token.TYPE {
			return
		}
		for _, s := range d.Specs {
			t := s.(*ast.TypeSpec)
			info.Classes = append(info.Classes, t.Name.Name)
			if t.Name.IsExported() && d.Doc == nil && t.Doc == nil && !info.Test {
				info.Undocumented++
			}
		}
	}
}

// functionName is F, or T.M for a method.
func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

// functions lists the functions of a file and shows their bodies to dup.
func (m *Module) functions(f *File, dup duplicateFinder) []FunctionInfo {
	var out []FunctionInfo
	for _, d := range f.AST.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		from, to := m.fset.PositionFor(fn.Pos(), false).Line, m.fset.PositionFor(fn.End(), false).Line
		info := FunctionInfo{Name: functionName(fn), File: f.Path, Line: from, Lines: to - from + 1}
		out = append(out, info)
		if !f.Generated {
			dup.add(info, fn)
		}
	}
	return out
}

func packageInfos(m *Module, g Graph) []PackageInfo {
	floors := g.floors()
	users := map[string][]string{}
	for _, d := range m.dirs() {
		for _, to := range g[d] {
			users[to] = append(users[to], d)
		}
	}
	var out []PackageInfo
	for _, d := range m.dirs() {
		p := m.Packages[d]
		info := PackageInfo{Path: p.Path, Dir: d, Name: p.Name, Imports: g[d], ImportedBy: append([]string{}, users[d]...), Floor: floors[d]}
		for _, f := range p.Files {
			info.Lines += f.Lines
			if f.Test {
				info.TestFiles++
			} else {
				info.Files++
			}
		}
		out = append(out, info)
	}
	return out
}

// largest returns the n largest, the first found first among equals.
func largest[T any](all []T, n int, size func(T) int) []T {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(size(b), size(a)) })
	return append([]T{}, all[:min(n, len(all))]...)
}

// cut shortens a text to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
