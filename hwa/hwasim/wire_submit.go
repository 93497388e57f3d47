package hwasim

func routesSubmit(s *Sim)                     {}
func (s *Sim) defByID(id string) *jobDef      { return nil }
func (s *Sim) schedlang(d *jobDef) string     { return "" }
func (s *Sim) streamLang(d *streamDef) string { return "" }
