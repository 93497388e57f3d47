#include "textflag.h"

// func overAVX2(out *[windowSize]uint16, words, weight, title *[windowSize]float32, b *bar) int
//
// Eight passages at a time, without a branch until one of them may be among the best.
// VRCPPS is right to 2^-11.4, for which there is room in most.
TEXT ·overAVX2(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), DI
	MOVQ words+8(FP), SI
	MOVQ weight+16(FP), R8
	MOVQ title+24(FP), R9
	MOVQ b+32(FP), DX
	VBROADCASTSS 0(DX), Y9   // cover
	VBROADCASTSS 4(DX), Y10  // title
	VBROADCASTSS 8(DX), Y11  // mass
	VBROADCASTSS 12(DX), Y12 // most
	VBROADCASTSS 16(DX), Y13 // floor
	MOVQ DI, BX
	XORQ AX, AX

step:
	VMOVUPS   (SI)(AX*4), Y0
	VMULPS    Y12, Y0, Y0
	VMULPS    (R8)(AX*4), Y9, Y2
	VMULPS    Y0, Y2, Y2
	VADDPS    Y0, Y2, Y2         // words * most * (1 + cover*weight)
	VMOVUPS   (R9)(AX*4), Y3
	VADDPS    Y11, Y3, Y4
	VRCPPS    Y4, Y4
	VMULPS    Y10, Y3, Y3
	VMULPS    Y4, Y3, Y3         // title * title / (title + mass)
	VMULPS    Y0, Y3, Y3
	VADDPS    Y3, Y2, Y2
	VCMPPS    $6, Y13, Y2, Y2    // not <= floor
	VMOVMSKPS Y2, CX

bits:
	TESTL CX, CX
	JZ    next
	BSFL  CX, R10
	ADDL  AX, R10
	MOVW  R10, (DI)
	ADDQ  $2, DI
	LEAL  -1(CX), R11
	ANDL  R11, CX
	JMP   bits

next:
	ADDQ $8, AX
	CMPQ AX, $1024
	JLT  step

	SUBQ BX, DI
	SHRQ $1, DI
	MOVQ DI, ret+40(FP)
	VZEROUPPER
	RET
