package hwasim

func routesModel(s *Sim) {}
