package evaluate

// goldenSplits are hashes of all chunks that LangChain made, by file and splitter.
var goldenSplits = map[string]map[string]string{
	"chatlogs.md": {
		"Recursive 800/400": "4a489d9cb945a353",
		"TokenText 800/400": "c0ed77700a51605a",
		"Recursive 400/200": "9d35f41263e4670b",
		"TokenText 400/200": "9b929027135bb8e2",
		"Recursive 400/0":   "a3731f92f59a3af6",
		"TokenText 400/0":   "08011f2abfb54c81",
		"Recursive 200/0":   "c27cc0f750d111e2",
		"TokenText 200/0":   "6b0fffed51b62a39",
	},
	"state_of_the_union.md": {
		"Recursive 800/400": "51aae2400725e6e8",
		"TokenText 800/400": "bf35b24a587a5bb4",
		"Recursive 400/200": "5a735760b64eec90",
		"TokenText 400/200": "067948d6174045ec",
		"Recursive 400/0":   "c88572b11b3db4f6",
		"TokenText 400/0":   "881c3e1fef669e36",
		"Recursive 200/0":   "6d965d06b246f175",
		"TokenText 200/0":   "7d860040485948a0",
	},
	"wikitexts.md": {
		"Recursive 800/400": "e9a81c26e3a283d7",
		"TokenText 800/400": "50f34ece3744d7cd",
		"Recursive 400/200": "ad2c3cb01d52002a",
		"TokenText 400/200": "e9253ede27e44d8e",
		"Recursive 400/0":   "c008e242660fb3b9",
		"TokenText 400/0":   "4f1c2a71ed64504e",
		"Recursive 200/0":   "9f99c56f72e5b57c",
		"TokenText 200/0":   "d877e3e96a1d97ad",
	},
}
