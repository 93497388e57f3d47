"""LangChain, semchunk and Chonkie on one text, in MB a second of processor time,
beside `go test ./bench/peers -bench Chunkers`. All count cl100k tokens with
tiktoken, whose vocabulary is read from the file of tiktoken-go-loader.

    python chunkers.py cl100k_base.tiktoken FILE
"""
import base64
import sys
import time

import semchunk
import tiktoken
from chonkie import RecursiveChunker, SentenceChunker, TokenChunker
from langchain_text_splitters import MarkdownTextSplitter, RecursiveCharacterTextSplitter, TokenTextSplitter

ranks = {}
for line in open(sys.argv[1], "rb"):
    token, rank = line.split()
    ranks[base64.b64decode(token)] = int(rank)
PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
enc = tiktoken.Encoding("cl100k", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})


def count(s):
    return len(enc.encode_ordinary(s))


text = open(sys.argv[2], encoding="utf-8", newline="").read()
size = len(text.encode())


def measure(name, fn):
    fn()
    runs, start = 0, time.process_time()
    while runs < 2 or time.process_time() - start < 1:
        parts = fn()
        runs += 1
    rate = runs * size / 1e6 / (time.process_time() - start)
    print(f"{name:34s} {rate:7.2f} MB/cpu-s  {len(parts):5d} chunks")


class Ids:
    """What Chonkie asks of a tokenizer."""

    def encode(self, s):
        return enc.encode_ordinary(s)

    def decode(self, ids):
        return enc.decode(ids)

    def count_tokens(self, s):
        return count(s)


measure("LangChain recursive, tokens", lambda: RecursiveCharacterTextSplitter(chunk_size=500, chunk_overlap=75, length_function=count).split_text(text))
measure("LangChain recursive, characters", lambda: RecursiveCharacterTextSplitter(chunk_size=2000, chunk_overlap=300).split_text(text))
measure("LangChain Markdown, characters", lambda: MarkdownTextSplitter(chunk_size=2000, chunk_overlap=300).split_text(text))
sem = semchunk.chunkerify(count, chunk_size=500, memoize=False)
measure("semchunk, tokens", lambda: sem(text))
for name, c in (("token", TokenChunker), ("sentence", SentenceChunker), ("recursive", RecursiveChunker)):
    try:
        chunker = c(tokenizer=enc, chunk_size=500)
    except Exception as err:  # a version that takes no such tokenizer
        print(f"Chonkie {name}: {err}")
        continue
    measure(f"Chonkie {name}, tokens", lambda: chunker.chunk(text))
