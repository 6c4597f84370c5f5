/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame's bytes, as the parser reads them. */
#ifndef CURFEW_BPF_PARSE_BYTES_H
#define CURFEW_BPF_PARSE_BYTES_H

#include "pkt.h"

/* Unaligned loads: the CPUs we run on do them, and clang's BPF would go byte by byte. */
#ifdef __bpf__
static __always_inline __u16 get16(const __u8 *b)
{
	return bpf_ntohs(*(const __u16 *)b);
}

static __always_inline __u32 raw32(const __u8 *b)
{
	return *(const __u32 *)b;
}

static __always_inline __u64 raw64(const __u8 *b)
{
	return *(const __u64 *)b;
}

static __always_inline __u32 get32(const __u8 *b)
{
	return bpf_ntohl(*(const __u32 *)b);
}

static __always_inline void copy_mac(__u8 *to, const __u8 *from)
{
	*(__u32 *)to = *(const __u32 *)from;
	*(__u16 *)(to + 4) = *(const __u16 *)(from + 4);
}

/*
 * Makes the verifier forget what it knows of a value, so that the many ways
 * that lead here are one to it. `unknown` is any byte it knows nothing about.
 */
#define FORGET(value, unknown)                                                                     \
	do {                                                                                       \
		__u32 unknown_ = (unknown);                                                        \
		asm volatile("%0 += %1\n%0 -= %1" : "+r"(value) : "r"(unknown_));                  \
	} while (0)
/* Clang knows that a value fits its mask and drops it; the verifier does not. */
#define KEEP_MASK(value) asm volatile("" : "+r"(value))
#else
static __always_inline __u16 get16(const __u8 *b)
{
	return (__u16)(b[0] << 8 | b[1]);
}

static __always_inline __u32 raw32(const __u8 *b)
{
	__u32 v;

	__builtin_memcpy(&v, b, 4);
	return v;
}

static __always_inline __u64 raw64(const __u8 *b)
{
	__u64 v;

	__builtin_memcpy(&v, b, 8);
	return v;
}

static __always_inline __u32 get32(const __u8 *b)
{
	return (__u32)get16(b) << 16 | get16(b + 2);
}

static __always_inline void copy_mac(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, 6);
}
#define FORGET(value, unknown) ((void)0)
#define KEEP_MASK(value)       ((void)0)
#endif

static __always_inline bool holds(const struct frame *f, const __u8 *at, __u32 n)
{
	return at + n <= f->end;
}

/* 1 if they are, else 0; the barrier keeps clang from making it a branch again. */
static __always_inline __u32 equal(__u32 a, __u32 b)
{
	__u64 differs = a ^ b;

#ifdef __bpf__
	asm volatile("" : "+r"(differs));
#endif
	return (__u32)((differs - 1) >> 63);
}

#endif
