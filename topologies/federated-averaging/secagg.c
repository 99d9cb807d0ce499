/* SPDX-License-Identifier: MIT */
#include "secagg.h"

#include <stdlib.h>
#include <string.h>

void pair_make(struct pair *pair)
{
	randombytes_buf(pair->secret, sizeof pair->secret);
	crypto_scalarmult_base(pair->open, pair->secret);
}

bool pair_agree(const struct pair *mine, const unsigned char theirs[crypto_scalarmult_BYTES], unsigned char seed[SECRET])
{
	unsigned char point[crypto_scalarmult_BYTES];
	bool agreed = crypto_scalarmult(point, mine->secret, theirs) == 0;
	if (agreed)     /* a point is no uniform key; its hash is */
		crypto_generichash(seed, SECRET, point, sizeof point, NULL, 0);
	sodium_memzero(point, sizeof point);
	return agreed;
}

bool shares_seal(struct sealed *sealed, const struct shares *shares, const struct pair *from, const unsigned char *to)
{
	randombytes_buf(sealed->nonce, sizeof sealed->nonce);
	return crypto_box_easy(sealed->box, (const unsigned char *)shares, sizeof *shares, sealed->nonce, to, from->secret) == 0;
}

bool shares_open(struct shares *shares, const struct sealed *sealed, const struct pair *to, const unsigned char *from)
{
	return crypto_box_open_easy((unsigned char *)shares, sealed->box, sizeof sealed->box, sealed->nonce, from, to->secret) == 0;
}

/* ---- GF(2^8) with x^8 + x^4 + x^3 + x + 1, without tables: no access depends on a secret ---- */

static unsigned char multiply(unsigned char a, unsigned char b)
{
	unsigned char product = 0;
	for (int bit = 0; bit < 8; bit++) {
		product ^= (unsigned char)(-(b >> bit & 1) & a);
		a = (unsigned char)(a << 1 ^ (-(a >> 7) & 0x1b));
	}
	return product;
}

/* a^254 = 1/a */
static unsigned char invert(unsigned char a)
{
	unsigned char result = 1;
	for (int i = 0; i < 7; i++) {
		a = multiply(a, a);
		result = multiply(result, a);
	}
	return result;
}

void secret_split(const unsigned char secret[SECRET], int count, int threshold, unsigned char shares[][SECRET])
{
	unsigned char coefficients[SECAGG_MOST][SECRET];
	memcpy(coefficients[0], secret, SECRET);
	randombytes_buf(coefficients[1], (size_t)(threshold - 1) * SECRET);
	for (int i = 0; i < count; i++)
		for (int byte = 0; byte < SECRET; byte++) {
			unsigned char value = 0;
			for (int power = threshold - 1; power >= 0; power--)
				value = multiply(value, (unsigned char)(i + 1)) ^ coefficients[power][byte];
			shares[i][byte] = value;
		}
	sodium_memzero(coefficients, sizeof coefficients);
}

/* Lagrange's polynomials at 0. */
void secret_join(const unsigned char shares[][SECRET], const int *clients, int threshold, unsigned char secret[SECRET])
{
	memset(secret, 0, SECRET);
	for (int i = 0; i < threshold; i++) {
		unsigned char weight = 1;
		for (int j = 0; j < threshold; j++)
			if (j != i) {
				unsigned char x = (unsigned char)(clients[j] + 1);
				weight = multiply(weight, multiply(x, invert(x ^ (unsigned char)(clients[i] + 1))));
			}
		for (int byte = 0; byte < SECRET; byte++)
			secret[byte] ^= multiply(weight, shares[i][byte]);
	}
}

/* ---- vectors ---- */

void mask_apply(uint32_t *vector, size_t count, const unsigned char seed[SECRET], bool add)
{
	static const unsigned char nonce[crypto_stream_chacha20_NONCEBYTES];   /* a seed is used once */
	uint32_t *mask = malloc(count * sizeof *mask);
	if (!mask)
		abort();
	crypto_stream_chacha20((unsigned char *)mask, count * sizeof *mask, nonce, seed);
	for (size_t i = 0; i < count; i++)
		vector[i] = (add ? vector[i] + mask[i] : vector[i] - mask[i]) & (SECAGG_RING - 1);
	sodium_memzero(mask, count * sizeof *mask);
	free(mask);
}

size_t packed_size(size_t count)
{
	return (count * SECAGG_BITS + 7) / 8;
}

void vector_pack(const uint32_t *vector, size_t count, unsigned char *packed)
{
	memset(packed, 0, packed_size(count));
	for (size_t i = 0; i < count; i++)
		for (size_t at = i * SECAGG_BITS, bits = 0; bits < SECAGG_BITS; bits += 4, at += 4)
			packed[at / 8] |= (unsigned char)((vector[i] >> bits & 15) << at % 8);
}

void vector_unpack(const unsigned char *packed, size_t count, uint32_t *vector)
{
	for (size_t i = 0; i < count; i++) {
		vector[i] = 0;
		for (size_t at = i * SECAGG_BITS, bits = 0; bits < SECAGG_BITS; bits += 4, at += 4)
			vector[i] |= (uint32_t)(packed[at / 8] >> at % 8 & 15) << bits;
	}
}
