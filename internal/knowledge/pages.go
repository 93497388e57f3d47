package knowledge

import (
	"sort"

	"resync/chunk/read"
	"resync/internal/retrieve"
)

// PageTable is where the pages of a document begin in its text: the number of a page
// and the offset of its first byte, one pair after the other and in order. The store
// keeps it with the document.
type PageTable []int

// pageTable is the table of pages that were read.
func pageTable(pages []read.Page) PageTable {
	if len(pages) == 0 {
		return nil
	}
	t := make(PageTable, 0, 2*len(pages))
	for _, p := range pages {
		t = append(t, p.Number, p.Start)
	}
	return t
}

// Page is the number of the page that holds the byte at offset, 0 when it is on none.
func (t PageTable) Page(offset int) int {
	i := sort.Search(len(t)/2, func(k int) bool { return t[2*k+1] > offset })
	if i == 0 {
		return 0
	}
	return t[2*i-2]
}

// page gives a passage the numbers of its pages.
func (v *view) page(p *retrieve.Passage) {
	if d := v.docs[p.Document]; d != nil && len(d.meta.Pages) > 1 && p.End > p.Start {
		p.PageStart, p.PageEnd = d.meta.Pages.Page(p.Start), d.meta.Pages.Page(p.End-1)
	}
}
