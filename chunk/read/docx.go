package read

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// readDOCX reads the text of a Word document. Of the archive only three parts are
// opened, within the limits; nothing is written, so names that climb out of a folder
// lead nowhere, and they are refused all the same as a sign of a forged file.
func readDOCX(data []byte, lim Limits) (Text, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return Text{}, errors.New("it is a damaged zip archive; open and save it again in Word")
	}
	if len(z.File) > lim.Entries {
		return Text{}, fmt.Errorf("it holds %d files, at most %d are taken; this is no ordinary document", len(z.File), lim.Entries)
	}
	parts := map[string]*zip.File{}
	for _, f := range z.File {
		if path.IsAbs(f.Name) || strings.Contains("/"+f.Name+"/", "/../") || strings.Contains(f.Name, `\`) || f.Mode()&^0o777 != 0 && !f.Mode().IsDir() {
			return Text{}, fmt.Errorf("it holds the entry %q, which points out of the archive; this is no ordinary document", f.Name)
		}
		parts[f.Name] = f
	}
	if parts["word/document.xml"] == nil {
		return Text{}, errors.New("it is a zip archive without a Word document in it; unpack it and give the files one by one")
	}
	if parts["EncryptionInfo"] != nil {
		return Text{}, errOffice
	}
	body, err := part(parts["word/document.xml"], lim)
	if err != nil {
		return Text{}, err
	}
	d := docx{styles: map[string]style{}, formats: map[string]bool{}}
	if f := parts["word/styles.xml"]; f != nil {
		if b, err := part(f, lim); err == nil {
			d.readStyles(b)
		}
	}
	if f := parts["word/numbering.xml"]; f != nil {
		if b, err := part(f, lim); err == nil {
			d.readNumbering(b)
		}
	}
	if err := d.read(body); err != nil {
		return Text{}, fmt.Errorf("its text is damaged: %w; open and save it again in Word", err)
	}
	t := Text{Text: strings.TrimSpace(d.out.b.String()) + "\n"}
	if d.deep {
		t.Notes = append(t.Notes, "tables inside tables are kept as text")
	}
	return t, nil
}

// part unpacks one file of the archive. What the archive says of its size is not
// believed.
func part(f *zip.File, lim Limits) ([]byte, error) {
	most := uint64(lim.Expanded)
	if byRatio := max(f.CompressedSize64*uint64(lim.Ratio), 1<<20); byRatio < most {
		most = byRatio
	}
	refused := fmt.Errorf("its part %s expands from %d kB to more than %d MB; this is a zip bomb or no ordinary document", f.Name, f.CompressedSize64>>10, most>>20)
	if f.UncompressedSize64 > most {
		return nil, refused
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("its part %s cannot be unpacked: %w", f.Name, err)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	switch {
	case uint64(len(b)) > most:
		return nil, refused
	case err != nil:
		return nil, fmt.Errorf("its part %s cannot be unpacked: %w", f.Name, err)
	}
	return b, nil
}

type style struct {
	level int // of a heading, from 1
	code  bool
}

type docx struct {
	out     lines
	styles  map[string]style
	formats map[string]bool // numId/level is numbered, not bulleted
	numbers map[string]int

	para          strings.Builder
	style         style
	list, level   string
	inText, fence bool
	tables        int
	deep          bool
	cells         []string
	cell          strings.Builder
	rows          int
}

// attr is the value of an attribute by its local name.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// each calls fn for every token of an XML text.
func each(b []byte, fn func(xml.Token)) error {
	dec := xml.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		fn(tok)
	}
}

// readStyles finds the styles of headings and of code by their names, which are
// English inside the file whatever the language of Word.
func (d *docx) readStyles(b []byte) {
	id := ""
	_ = each(b, func(tok xml.Token) { // a damaged part leaves the styles found so far
		e, ok := tok.(xml.StartElement)
		if !ok {
			return
		}
		switch e.Name.Local {
		case "style":
			id = attr(e, "styleId")
		case "name":
			n := strings.ToLower(attr(e, "val"))
			s := d.styles[id]
			if l, ok := strings.CutPrefix(n, "heading "); ok {
				s.level, _ = strconv.Atoi(l)
			} else if n == "title" {
				s.level = 1
			}
			s.code = strings.Contains(n, "code") || strings.Contains(n, "preformatted")
			d.styles[id] = s
		case "outlineLvl":
			if l, err := strconv.Atoi(attr(e, "val")); err == nil && l < 9 && d.styles[id].level == 0 {
				d.styles[id] = style{level: l + 1}
			}
		}
	})
}

// readNumbering finds which lists are numbered.
func (d *docx) readNumbering(b []byte) {
	abstract, level, num := "", "", ""
	numbered, of := map[string]bool{}, map[string]string{}
	_ = each(b, func(tok xml.Token) {
		e, ok := tok.(xml.StartElement)
		if !ok {
			return
		}
		switch e.Name.Local {
		case "abstractNum":
			abstract = attr(e, "abstractNumId")
		case "lvl":
			level = attr(e, "ilvl")
		case "numFmt":
			numbered[abstract+"/"+level] = attr(e, "val") != "bullet"
		case "num":
			num = attr(e, "numId")
		case "abstractNumId":
			of[num] = attr(e, "val")
		}
	})
	for num, abstract := range of {
		for l := range 9 {
			k := "/" + strconv.Itoa(l)
			d.formats[num+k] = numbered[abstract+k]
		}
	}
}

func (d *docx) read(b []byte) error {
	d.numbers = map[string]int{}
	err := each(b, func(tok xml.Token) {
		switch e := tok.(type) {
		case xml.StartElement:
			d.open(e)
		case xml.EndElement:
			d.close(e.Name.Local)
		case xml.CharData:
			if d.inText {
				d.para.Write(e)
			}
		}
	})
	d.endFence()
	return err
}

func (d *docx) open(e xml.StartElement) {
	switch e.Name.Local {
	case "p":
		d.para.Reset()
		d.style, d.list, d.level = style{}, "", ""
	case "pStyle":
		d.style = d.styles[attr(e, "val")]
		if l, ok := strings.CutPrefix(attr(e, "val"), "Heading"); ok && d.style.level == 0 {
			d.style.level, _ = strconv.Atoi(l)
		}
	case "outlineLvl":
		if l, err := strconv.Atoi(attr(e, "val")); err == nil && l < 9 && d.style.level == 0 {
			d.style.level = l + 1
		}
	case "numId":
		d.list = attr(e, "val")
	case "ilvl":
		d.level = attr(e, "val")
	case "t":
		d.inText = true
	case "tab":
		d.para.WriteByte(' ')
	case "br", "cr":
		d.para.WriteByte('\n')
	case "tbl":
		d.endFence()
		if d.tables++; d.tables > 1 {
			d.deep = true
		} else {
			d.rows = 0
			d.out.gap(2)
		}
	}
}

func (d *docx) close(name string) {
	switch name {
	case "t":
		d.inText = false
	case "p":
		if d.tables > 0 {
			d.cell.WriteString(d.para.String() + " ")
		} else {
			d.paragraph(d.para.String())
		}
		d.para.Reset()
	case "tc":
		if d.tables == 1 {
			d.cells = append(d.cells, d.cell.String())
			d.cell.Reset()
		}
	case "tr":
		if d.tables == 1 && len(d.cells) > 0 {
			d.out.row(d.cells, d.rows == 0)
			d.rows++
			d.cells = d.cells[:0]
		}
	case "tbl":
		if d.tables = max(d.tables-1, 0); d.tables == 0 {
			d.out.gap(2)
		}
	}
}

func (d *docx) paragraph(s string) {
	if d.style.code {
		if !d.fence {
			d.out.gap(2)
			d.out.text("```")
			d.fence = true
		}
		d.out.gap(1)
		d.out.text(s)
		return
	}
	d.endFence()
	if s = strings.TrimSpace(s); s == "" {
		return
	}
	switch {
	case d.style.level > 0:
		d.out.gap(2)
		d.out.text(strings.Repeat("#", min(d.style.level, 6)) + " " + strings.Join(strings.Fields(s), " "))
		d.out.gap(2)
	case d.list != "" && d.list != "0":
		d.item(s)
	default:
		d.out.gap(2)
		d.out.text(s)
		d.out.gap(2)
	}
}

func (d *docx) item(s string) {
	level, err := strconv.Atoi(d.level)
	if err != nil || level < 0 || level > 8 {
		level = 0
	}
	d.out.gap(1)
	d.out.text(strings.Repeat("   ", level))
	k := d.list + "/" + strconv.Itoa(level)
	if !d.formats[k] {
		d.out.text("- " + s)
	} else {
		d.numbers[k]++
		for l := level + 1; l < 9; l++ {
			delete(d.numbers, d.list+"/"+strconv.Itoa(l))
		}
		d.out.text(strconv.Itoa(d.numbers[k]) + ". " + s)
	}
	d.out.gap(1)
}

func (d *docx) endFence() {
	if d.fence {
		d.out.gap(1)
		d.out.text("```")
		d.out.gap(2)
		d.fence = false
	}
}
