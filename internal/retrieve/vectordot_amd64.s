#include "textflag.h"

// func dotRowsAVX2(out *int32, q *int16, rows *int8, n, dims int)
//
// Two rows at a time share the loads of the query. Bytes are widened to 16 bits
// and multiplied with the query's in pairs (VPMADDWD), so nothing saturates.
TEXT ·dotRowsAVX2(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ rows+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ dims+32(FP), DX

pair:
	CMPQ CX, $2
	JLT  last
	LEAQ (R8)(DX*1), R9       // second row
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	XORQ AX, AX

pairstep:
	VMOVDQU   (SI)(AX*2), Y4
	VMOVDQU   32(SI)(AX*2), Y5
	VPMOVSXBW (R8)(AX*1), Y6
	VPMOVSXBW 16(R8)(AX*1), Y7
	VPMOVSXBW (R9)(AX*1), Y8
	VPMOVSXBW 16(R9)(AX*1), Y9
	VPMADDWD  Y4, Y6, Y6
	VPMADDWD  Y5, Y7, Y7
	VPMADDWD  Y4, Y8, Y8
	VPMADDWD  Y5, Y9, Y9
	VPADDD    Y6, Y0, Y0
	VPADDD    Y7, Y1, Y1
	VPADDD    Y8, Y2, Y2
	VPADDD    Y9, Y3, Y3
	ADDQ      $32, AX
	CMPQ      AX, DX
	JLT       pairstep

	VPADDD       Y1, Y0, Y0
	VPADDD       Y3, Y2, Y2
	VPHADDD      Y2, Y0, Y0   // a a b b | a a b b
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0   // a a b b
	VPHADDD      X0, X0, X0   // a b a b
	VMOVQ        X0, R10
	MOVQ         R10, (DI)
	ADDQ         $8, DI
	LEAQ         (R9)(DX*1), R8
	SUBQ         $2, CX
	JMP          pair

last:
	TESTQ CX, CX
	JZ    done
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	XORQ  AX, AX

laststep:
	VPMOVSXBW (R8)(AX*1), Y6
	VPMOVSXBW 16(R8)(AX*1), Y7
	VPMADDWD  (SI)(AX*2), Y6, Y6
	VPMADDWD  32(SI)(AX*2), Y7, Y7
	VPADDD    Y6, Y0, Y0
	VPADDD    Y7, Y1, Y1
	ADDQ      $32, AX
	CMPQ      AX, DX
	JLT       laststep

	VPADDD       Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPHADDD      X0, X0, X0
	VPHADDD      X0, X0, X0
	VMOVD        X0, R10
	MOVL         R10, (DI)

done:
	VZEROUPPER
	RET
