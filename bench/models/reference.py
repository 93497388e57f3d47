"""Vectors of MiniLM in float64 with NumPy, what internal/bert is compared with.

    python reference.py MODEL_DIR OUT.json      needs numpy and tokenizers
"""
import json,struct,sys,numpy as np
from tokenizers import Tokenizer
d=sys.argv[1].rstrip('/')+'/'
raw=open(d+'model.safetensors','rb').read(); n=struct.unpack('<Q',raw[:8])[0]; h=json.loads(raw[8:8+n])
W={k:np.frombuffer(raw,dtype=np.float32,count=int(np.prod(v['shape'])),offset=8+n+v['data_offsets'][0]).reshape(v['shape']).astype(np.float64) for k,v in h.items() if k!='__metadata__' and v['dtype']=='F32'}
tk=Tokenizer.from_file(d+'tokenizer.json'); tk.no_padding(); tk.no_truncation()
from math import sqrt
import math
erf=np.vectorize(math.erf)
def ln(x,n): 
    m=x.mean(-1,keepdims=True); v=((x-m)**2).mean(-1,keepdims=True); return (x-m)/np.sqrt(v+1e-12)*W[n+'.weight']+W[n+'.bias']
def lin(x,n): return x@W[n+'.weight'].T+W[n+'.bias']
def emb(t):
    ids=tk.encode(t).ids[:256]
    if len(ids)==256: ids[-1]=102
    x=ln(W['embeddings.word_embeddings.weight'][ids]+W['embeddings.position_embeddings.weight'][:len(ids)]+W['embeddings.token_type_embeddings.weight'][0],'embeddings.LayerNorm')
    for i in range(6):
        p=f'encoder.layer.{i}.'
        q,k,v=[lin(x,p+'attention.self.'+s).reshape(len(ids),12,32).transpose(1,0,2) for s in('query','key','value')]
        s=q@k.transpose(0,2,1)/sqrt(32); s=np.exp(s-s.max(-1,keepdims=True)); s/=s.sum(-1,keepdims=True)
        c=(s@v).transpose(1,0,2).reshape(len(ids),384)
        x=ln(x+lin(c,p+'attention.output.dense'),p+'attention.output.LayerNorm')
        f=lin(x,p+'intermediate.dense'); f=f/2*(1+erf(f/sqrt(2)))
        x=ln(x+lin(f,p+'output.dense'),p+'output.LayerNorm')
    y=x.mean(0); return ids,y/np.linalg.norm(y)
texts=["How old are you?","What is your age?","","Olá, por que o job não começou às 03:00?","AWSBHT021E The job <JOBNAME> can't be rerun; see $HOME/TWS/stdlist/2024.01.02/schedlog?","日本語のテキスト と emoji 😀 ﬁn İstanbul ÀÉÎ naïve","a"*120+" tail", "word "*400,"tabs\tand\nlines\r\x00control\u200bzero width \u00ad soft","MAESTRO#STREAM.JOB conman \"rj @#@.@\" && jobman->batchman don't"]
out=[]
for t in texts:
    ids,v=emb(t); out.append({"text":t,"ids":ids,"vector":[round(float(x),7) for x in v]})
json.dump(out,open(sys.argv[2],'w'),ensure_ascii=False)
