"""Ids of WordPiece by Hugging Face's tokenizers, one JSON list a line, for the
comparison in package chunk.

    python wordpiece.py vocab.txt FILE... > want.jsonl
    RESYNC_WORDPIECE=vocab.txt,want.jsonl go test ./chunk -run WordPieceIsHuggingFaces -v
"""
import json
import sys

from tokenizers import BertWordPieceTokenizer

tok = BertWordPieceTokenizer(sys.argv[1], lowercase=True)
for name in sys.argv[2:]:
    text = open(name, encoding="utf-8", newline="").read()
    print(json.dumps({"file": name, "ids": tok.encode(text, add_special_tokens=False).ids}))
