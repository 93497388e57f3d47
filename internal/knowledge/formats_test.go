package knowledge

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// docx makes a Word document of paragraphs; bomb, if not 0, is how many bytes of
// blanks are added to its text.
func docx(t testing.TB, bomb int, paragraphs ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	w, err := z.Create("word/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`)
	for _, p := range paragraphs {
		fmt.Fprintf(w, `<w:p><w:r><w:t>%s</w:t></w:r></w:p>`, p)
	}
	if _, err := w.Write(bytes.Repeat([]byte(" "), bomb)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, `</w:body></w:document>`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestDocumentsOfEveryFormatAreFound(t *testing.T) {
	b, st := base(t)
	for name, data := range map[string][]byte{
		"a.docx": docx(t, 0, "The walrus job needs the walrus resource.", "Give it two units."),
		"b.html": []byte("<!doctype html><title>Penguins</title><h1>Penguins</h1><p>The penguin job waits for ice.</p><script>alert('penguin')</script>"),
		"c.json": []byte(`{"openapi":"3.0.0","info":{"title":"Seals","version":"1"},"paths":{"/seal/count":{"get":{"operationId":"countSeals","summary":"Counts the seals of a beach"}}}}`),
		"d.txt":  []byte("\xff\xfeO\x00t\x00t\x00e\x00r\x00s\x00 \x00s\x00w\x00i\x00m\x00.\x00"),
	} {
		put(t, b, Added, Input{Name: name, Data: data})
	}
	for _, b := range []*Base{b, open(t, st)} {
		for q, want := range map[string]string{"walrus resource units": "a.docx", "penguin job waits": "b.html", "count the seals": "c.json", "otters": "d.txt"} {
			if got := find1(t, b, Query{Text: q}); len(got) == 0 || got[0] != want {
				t.Errorf("%s: %v, want %s", q, got, want)
			}
		}
		if got := find1(t, b, Query{Text: "alert"}); len(got) != 0 {
			t.Errorf("a script is text: %v", got)
		}
	}
	for _, s := range b.Sources() {
		if s.Name == "b.html" && s.Title != "Penguins" {
			t.Errorf("title %q", s.Title)
		}
	}
	// Re-ingested by the hash of the file, not of its text.
	put(t, b, Unchanged, Input{Name: "a.docx", Data: docx(t, 0, "The walrus job needs the walrus resource.", "Give it two units.")})
}

// TestAnUploadNeverReadsTheServersFiles: the name of an upload is only a name, even
// when the upload is empty.
func TestAnUploadNeverReadsTheServersFiles(t *testing.T) {
	b, _ := base(t)
	dir := write(t, map[string]string{"secret.md": quiet})
	t.Chdir(dir)
	for _, data := range [][]byte{nil, {}} {
		if f := put(t, b, Refused, Input{Name: "secret.md", Data: data}); f.Reason != "it is empty" {
			t.Errorf("reason %q", f.Reason)
		}
	}
	if got := find1(t, b, Query{Text: "airship ropes"}); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}

// TestRow20To23_BadFilesAreRefusedWithAReason: what cannot be read is refused by
// name, quickly, and leaves nothing behind.
func TestRow20To23_BadFilesAreRefusedWithAReason(t *testing.T) {
	b, _ := base(t)
	encrypted := "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n" +
		"3 0 obj<</Filter/Standard/V 1/R 2/O(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)/U(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)/P -4>>endobj\n" +
		"xref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Encrypt 3 0 R/Size 4/ID[(a)(a)]>>\nstartxref\n0\n%%EOF"
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"empty.md", nil, "empty"},
		{"blank.txt", []byte("\ufeff \n\t"), "no text"},
		{"latin.md", []byte("caf\xe9"), "not UTF-8"},
		{"zero.md", []byte("a\x00b"), "zero bytes"},
		{"bomb.docx", docx(t, 200<<20, "x"), "MB"},
		{"cut.docx", docx(t, 0, "x")[:60], "zip"},
		{"sealed.pdf", []byte(encrypted), ""},
		{"noise.pdf", []byte("%PDF-1.7 nothing"), ""},
		{"list.json", []byte(`{"a":1}`), ""},
		{"big.md", bytes.Repeat([]byte("x"), MaxFile+1), "at most 16 MB"},
	} {
		f := put(t, b, Refused, Input{Name: c.name, Data: c.data})
		if f.Reason == "" || !strings.Contains(f.Reason, c.says) || strings.Contains(f.Reason, "panic") {
			t.Errorf("%s: %q", c.name, f.Reason)
		}
		t.Logf("%s: %s", c.name, f.Reason)
	}
	if s := b.Stats(); s.Documents != 0 || len(b.Sources()) != 0 {
		t.Errorf("something stayed: %+v", s)
	}
	// Ten million letters without a blank are strange, but text.
	put(t, b, Added, Input{Name: "long.md", Data: bytes.Repeat([]byte("x"), 10<<20)})
	put(t, b, Added, Input{Name: "heads.md", Data: bytes.Repeat([]byte("# h\n"), 250_000)})
	put(t, b, Added, Input{Name: "fence.md", Data: []byte("# Fence\n\n```\nnever closed\n" + strings.Repeat("line\n", 1000))})
}
