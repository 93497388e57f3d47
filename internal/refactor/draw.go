package refactor

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Text is the graph as text: one package a line, then what it imports.
func (a *Analysis) Text() string {
	var b strings.Builder
	for _, p := range a.byFloor() {
		fmt.Fprintf(&b, "%2d %s", p.Floor, p.Dir)
		if len(p.Imports) > 0 {
			fmt.Fprintf(&b, " → %s", strings.Join(p.Imports, " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// byFloor lists the packages from the highest floor down.
func (a *Analysis) byFloor() []PackageInfo {
	ps := slices.Clone(a.Packages)
	slices.SortStableFunc(ps, func(x, y PackageInfo) int { return y.Floor - x.Floor })
	return ps
}

// DOT is the graph for Graphviz.
func (a *Analysis) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n\trankdir=TB;\n\tnode [shape=box, fontname=\"sans-serif\"];\n", a.Module)
	for _, p := range a.Packages {
		fmt.Fprintf(&b, "\t%q;\n", p.Dir)
		for _, to := range p.Imports {
			fmt.Fprintf(&b, "\t%q -> %q;\n", p.Dir, to)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// The measures of the drawing, in pixels.
const (
	charWidth, boxHeight  = 7, 24
	gapX, gapY, margin    = 14, 46, 20
	rowWidth, floorOffset = 1600, 40
)

// box is a package in the drawing.
type box struct{ x, y, w int }

// SVG draws the graph: one row (or several) per floor, the highest on top, a
// line from each package to what it imports. It needs no other program.
func (a *Analysis) SVG() string {
	boxes, labels, width, height := a.layout()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="monospace" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>Import graph of %s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", html.EscapeString(a.Module))
	for _, p := range a.Packages {
		from := boxes[p.Dir]
		for _, d := range p.Imports {
			to := boxes[d]
			fmt.Fprintf(&b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#8aa" stroke-opacity=".45"/>`+"\n", from.x+from.w/2, from.y+boxHeight, to.x+to.w/2, to.y)
		}
	}
	for _, p := range a.Packages {
		at, name := boxes[p.Dir], html.EscapeString(p.Dir)
		fmt.Fprintf(&b, `<g><title>%s: %d lines, imports %d, imported by %d</title><rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="#eef4fb" stroke="#457"/><text x="%d" y="%d">%s</text></g>`+"\n",
			name, p.Lines, len(p.Imports), len(p.ImportedBy), at.x, at.y, at.w, boxHeight, at.x+charWidth, at.y+16, name)
	}
	for floor, y := range labels {
		fmt.Fprintf(&b, `<text x="4" y="%d" fill="#777">%d</text>`+"\n", y+16, floor)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// layout places the boxes row by row.
func (a *Analysis) layout() (boxes map[string]box, labels map[int]int, width, height int) {
	boxes, labels = map[string]box{}, map[int]int{}
	x, y, floor := margin+floorOffset, margin, -1
	for _, p := range a.byFloor() {
		w := charWidth * (len(p.Dir) + 2)
		if floor != -1 && (p.Floor != floor || x+w > rowWidth) {
			x, y = margin+floorOffset, y+boxHeight+gapY
		}
		if p.Floor != floor {
			floor = p.Floor
			labels[floor] = y
		}
		boxes[p.Dir] = box{x, y, w}
		x += w + gapX
		width = max(width, x+margin)
	}
	return boxes, labels, width, y + boxHeight + margin
}
