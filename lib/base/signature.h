/* SPDX-License-Identifier: MIT */
/*
 * What messages hold, in one line:
 *
 *     json   bytes   bytes[16]   obs f32[*,4], action i64[*], step i64
 *
 * Tensors are a name, a type (bool u8 i8 u16 i16 f16 bf16 u32 i32 f32 u64 i64 f64) and extents, of which * is any; without
 * brackets, or with empty ones, a tensor is a scalar. A message must hold exactly these tensors, in any order. An empty text is
 * anything.
 *
 *     struct signature signature;
 *     if (signature_parse("obs f32[*,4]", &signature, &error)) ...
 *     char *wrong = signature_mismatch(&signature, &content);          // NULL: it fits
 *     signature_release(&signature);
 */
#ifndef BASE_SIGNATURE_H
#define BASE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"

enum { SIGNATURE_RANK = 8, SIGNATURE_STAR = -1 };

enum signature_kind { SIGNATURE_ANY, SIGNATURE_BYTES, SIGNATURE_JSON, SIGNATURE_TENSORS };

struct signature_tensor {
	const char *name, *dtype;               /* dtype: "f32" */
	int rank;
	int64_t shape[SIGNATURE_RANK];          /* SIGNATURE_STAR: any extent */
};
struct signature {
	enum signature_kind kind;
	int64_t size;                           /* of bytes; SIGNATURE_STAR: any */
	LIST(struct signature_tensor) tensors;
	char *names;                            /* owned: what the tensors' names point into */
};

/* 0, or -1 with what is wrong and at which character; *out is then released. NULL is the empty text. */
int signature_parse(const char *text, struct signature *out, struct error *error);
void signature_release(struct signature *signature);
/* In one way of writing, "obs f32[*,4], step i64"; "" for anything. Caller frees. */
char *signature_print(const struct signature *signature);
bool signature_is_dtype(const char *word);

/* NULL: what is sent by the one can fit the other (each extent is equal, or * on one side). Else what differs, caller frees:
   "`w f32[10]` is not `w f32[20]`". */
char *signature_difference(const struct signature *sent, const struct signature *expected);

/* What one message holds. Nothing is allocated to compare it. */
struct signature_content {
	enum signature_kind kind;               /* not SIGNATURE_ANY */
	size_t size;                            /* of bytes */
	const struct signature_tensor *tensors;
	size_t count;
};
/* NULL: it fits. Else what it is, to be put behind "actor/3 sent ", caller frees:
   "`obs f32[8,5]` where `obs f32[*,4]` is expected", "no tensor `obs`; expected `obs f32[*,4], action i64[*]`". */
char *signature_mismatch(const struct signature *signature, const struct signature_content *content);

#endif
