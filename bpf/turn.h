/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where other CPUs may come in between: before each access to a word that they share. Nothing in
 * the kernel; tests give the turn to another CPU there.
 */
#ifndef CURFEW_BPF_TURN_H
#define CURFEW_BPF_TURN_H

#ifndef WORD_STEP
#define WORD_STEP(word)
/* The same, before one that is also a full barrier. */
#define WORD_ORDERED(word)
#endif

#endif
