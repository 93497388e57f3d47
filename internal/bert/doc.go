// Package bert runs encoder models of the BERT family (MiniLM, BGE, E5 for
// English, GTE, MS MARCO cross-encoders) in pure Go, from the files in which they
// are published: config.json, tokenizer.json or vocab.txt, and
// model.safetensors.
//
// The arithmetic is that of Devlin et al., "BERT: Pre-training of Deep
// Bidirectional Transformers" (2019), in float32, with AVX2 where the processor
// has it. Texts of one call are run together without padding. Weights are read at
// start; nothing is downloaded, and no file is executed.
package bert
