/* SPDX-License-Identifier: MIT */
/*
 * Secure aggregation's mathematics (Bonawitz et al. 2017, "Practical Secure Aggregation for Privacy-Preserving Machine Learning",
 * figure 4), on libsodium. Knows nothing of lpad. Vectors are over the ring of 2^20: 16 bits each, of 16 clients at most.
 */
#ifndef SECAGG_H
#define SECAGG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

enum { SECAGG_MOST = 16, SECAGG_BITS = 20, SECRET = 32, KEY_BITS = 256, SHARE_BITS = 256 };
#define SECAGG_RING (1u << SECAGG_BITS)

struct pair {
	unsigned char secret[crypto_scalarmult_SCALARBYTES], open[crypto_scalarmult_BYTES];
};
/* What a client tells all others: one key to encrypt to it, one to agree on masks with it. */
struct keys {
	unsigned char cipher[crypto_scalarmult_BYTES], mask[crypto_scalarmult_BYTES];
};
/* Two shares, for one client's eyes: authenticated, with who has made them for whom in it. */
struct shares {
	int32_t from, to;
	unsigned char own[SECRET], key[SECRET];         /* of the maker's own mask, of its secret mask key */
};
struct sealed {
	unsigned char nonce[crypto_box_NONCEBYTES], box[crypto_box_MACBYTES + sizeof(struct shares)];
};

void pair_make(struct pair *pair);
/* A seed that both have, and nobody else. false: the other's key is none. */
bool pair_agree(const struct pair *mine, const unsigned char theirs[crypto_scalarmult_BYTES], unsigned char seed[SECRET]);

bool shares_seal(struct sealed *sealed, const struct shares *shares, const struct pair *from, const unsigned char *to);
bool shares_open(struct shares *shares, const struct sealed *sealed, const struct pair *to, const unsigned char *from);

/*
 * Shamir's sharing, byte by byte over GF(2^8): the secret is 32 independent bytes, so a prime field of 256 bits would gain nothing.
 * Any `threshold` of the shares give it back, fewer say nothing. Share i is for client i.
 */
void secret_split(const unsigned char secret[SECRET], int count, int threshold, unsigned char shares[][SECRET]);
void secret_join(const unsigned char shares[][SECRET], const int *clients, int threshold, unsigned char secret[SECRET]);

/* Adds, or subtracts, the mask that the seed gives (ChaCha20). */
void mask_apply(uint32_t *vector, size_t count, const unsigned char seed[SECRET], bool add);

size_t packed_size(size_t count);
void vector_pack(const uint32_t *vector, size_t count, unsigned char *packed);
void vector_unpack(const unsigned char *packed, size_t count, uint32_t *vector);

#endif
