#include "textflag.h"

// Constants of exp in layers.go, eight times each where an operand is read.
DATA expc<>+0(SB)/4, $0x3fb8aa3b   // log2(e)
DATA expc<>+4(SB)/4, $0x3f318000   // ln(2), high part
DATA expc<>+8(SB)/4, $0xb95e8083   // ln(2), low part
DATA expc<>+12(SB)/4, $0x39506967  // 1.9875691500e-4
DATA expc<>+16(SB)/4, $0x3ab743ce  // 1.3981999507e-3
DATA expc<>+20(SB)/4, $0x3c088908  // 8.3334519073e-3
DATA expc<>+24(SB)/4, $0x3d2aa9c1  // 4.1665795894e-2
DATA expc<>+28(SB)/4, $0x3e2aaaaa  // 1.6666665459e-1
DATA expc<>+32(SB)/4, $0x3f000000  // 0.5
DATA expc<>+36(SB)/4, $0x3f800000  // 1
DATA expc<>+40(SB)/4, $0xc2ae0000  // -87
DATA expc<>+44(SB)/4, $0x0000007f  // 127
GLOBL expc<>(SB), RODATA|NOPTR, $48

// func expSumFMA(x *float32, n int, top, scale float32) float32
//
// Replaces each of n numbers, a multiple of 8, by exp((x-top)·scale) and returns
// their sum.
TEXT ·expSumFMA(SB), NOSPLIT, $0-28
	MOVQ         x+0(FP), DI
	MOVQ         n+8(FP), CX
	VBROADCASTSS top+16(FP), Y14
	VBROADCASTSS scale+20(FP), Y15
	VBROADCASTSS expc<>+0(SB), Y13
	VBROADCASTSS expc<>+4(SB), Y12
	VBROADCASTSS expc<>+8(SB), Y11
	VBROADCASTSS expc<>+12(SB), Y10
	VBROADCASTSS expc<>+16(SB), Y9
	VBROADCASTSS expc<>+20(SB), Y8
	VBROADCASTSS expc<>+24(SB), Y7
	VBROADCASTSS expc<>+28(SB), Y6
	VBROADCASTSS expc<>+40(SB), Y5
	VXORPS       Y0, Y0, Y0

loop:
	VMOVUPS      (DI), Y1
	VSUBPS       Y14, Y1, Y1
	VMULPS       Y15, Y1, Y1
	VMAXPS       Y5, Y1, Y1      // x
	VMULPS       Y13, Y1, Y2
	VROUNDPS     $0, Y2, Y2      // n
	VFNMADD231PS Y12, Y2, Y1
	VFNMADD231PS Y11, Y2, Y1     // r
	VMOVAPS      Y10, Y3
	VFMADD213PS  Y9, Y1, Y3      // p = p·r + c
	VFMADD213PS  Y8, Y1, Y3
	VFMADD213PS  Y7, Y1, Y3
	VFMADD213PS  Y6, Y1, Y3
	VBROADCASTSS expc<>+32(SB), Y4
	VFMADD213PS  Y4, Y1, Y3
	VMULPS       Y1, Y1, Y4
	VFMADD213PS  Y1, Y4, Y3      // p·r² + r
	VBROADCASTSS expc<>+36(SB), Y4
	VADDPS       Y4, Y3, Y3
	VCVTPS2DQ    Y2, Y2
	VPBROADCASTD expc<>+44(SB), Y4
	VPADDD       Y4, Y2, Y2
	VPSLLD       $23, Y2, Y2
	VMULPS       Y2, Y3, Y3
	VMOVUPS      Y3, (DI)
	VADDPS       Y3, Y0, Y0
	ADDQ         $32, DI
	SUBQ         $8, CX
	JNZ          loop

	VEXTRACTF128 $1, Y0, X1
	VADDPS       X1, X0, X0
	VHADDPS      X0, X0, X0
	VHADDPS      X0, X0, X0
	VMOVSS       X0, ret+24(FP)
	VZEROUPPER
	RET
