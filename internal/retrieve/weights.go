package retrieve

// Weights are the numbers of the ranking. [FittedWeights] are those of the product;
// others are for measuring (internal/evaluate, Fit).
type Weights struct {
	// Forms of a word of the question, where the word itself is 1: what a glossary
	// gives for it, what a concept adds, a word of conversation.
	Synonym, Related, Loose float32
	// First stage: the share of the question's weight a passage covers, the share of
	// a title that the question names, and the idf at which a title counts half.
	Coverage, Title, TitleMass float32
	// A problem with its solution beside any other passage: when nothing is known of
	// the question, when it tells of a problem, and when it asks how something is done.
	Entry, Trouble, Wish float32
	// Features of the second stage, in the order of [FeatureNames]: what each is worth
	// as a share of the weight of all words of the question.
	Features [features]float32
}

// FeatureNames say in an explanation what a feature is.
func FeatureNames() []string { return featureNames[:] }

// FittedWeights are the weights of the product. Those of the first stage were fixed on
// the problems of the troubleshooting guide with words left out, the features by
// coordinate ascent on the mean of hit@1, hit@3, hit@5 and the reciprocal rank over the
// sets of internal/evaluate, and a set of Go sources; fitted on all manuals but one, they
// answer the questions of that one as well. That of the document was set beforehand: a
// file tells much of its parts where there are many files.
func FittedWeights() Weights { return *fitted() }

func fitted() *Weights {
	return &Weights{
		Synonym: 0.9, Related: 0.5, Loose: 0.5,
		Coverage: 0.6, Title: 1, TitleMass: 8,
		Entry: 1.05, Trouble: 1.42, Wish: 0.9,
		Features: [features]float32{
			featNear: 0.45, featPairs: 0.88, featOrder: 0.6, featExact: 1.44, featDoc: 1.2, featTitle: 0.9, featHead: 0.41, featShort: 0.13,
		},
	}
}
