/* SPDX-License-Identifier: MIT */
/*
 * garbage FOLDER: sends what nobody asked for to every socket of a run: bare bytes, forged lengths, framed nonsense, and
 * headers that are nearly right. Prints how many sockets it met.
 */
#include <dirent.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "link/wire.h"

enum { ROUNDS = 40 };

static unsigned random_byte(void)
{
	static unsigned state = 12345;
	state = state * 1103515245u + 12345u;
	return state >> 16 & 0xff;
}

static void fill_random(unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)random_byte();
}

/* Straight to the descriptor: noise, then a handshake of the protocol with a message of 2^60 bytes announced. */
static void send_bare(const char *path)
{
	static const unsigned char hello[] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
	static const unsigned char forged[] = { 1, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned char noise[4096];
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	for (int kind = 0; kind < 2; kind++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
			exit(1);
		fill_random(noise, sizeof noise);
		ssize_t ignored = kind ? send(fd, hello, sizeof hello, MSG_NOSIGNAL) : send(fd, noise, sizeof noise, MSG_NOSIGNAL);
		ignored = kind ? send(fd, forged, sizeof forged, MSG_NOSIGNAL) : ignored;
		(void)ignored;
		close(fd);
	}
}

/* Every fourth one is a header that decodes, of a stranger. */
static size_t make_body(int round, unsigned char *out, size_t room)
{
	size_t size = (size_t)random_byte() % room;
	fill_random(out, room);
	if (round % 4)
		return size;
	struct wire wire = { .kind = (uint8_t)(round / 4 % 9 + 1), .role = WIRE_MEMBER, .content = 1, .token = 1,
		.session = 7, .number = (uint64_t)round, .port = (uint32_t)round, .size = 64 };
	wire_encode(&wire, out);
	return WIRE_SIZE + 64;
}

static void send_framed(const char *path, int (*open)(nng_socket *))
{
	char *cleanup_free url = memory_format("ipc://%s", path);
	unsigned char body[512];
	nng_socket socket;
	if (open(&socket))
		exit(1);
	nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, 20);
	nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, 20);
	if (!nng_dial(socket, url, NULL, 0))
		for (int round = 0; round < ROUNDS; round++) {
			size_t size = make_body(round, body, sizeof body);
			nng_send(socket, body, size, 0);
			size = sizeof body;
			nng_recv(socket, body, &size, 0);       /* seldom answered, but sent before this ends */
		}
	nng_close(socket);
}

int main(int count, char **arguments)
{
	DIR *folder = count == 2 ? opendir(arguments[1]) : NULL;
	int met = 0;
	if (!folder)
		return 2;
	for (struct dirent *entry; (entry = readdir(folder)); ) {
		char *cleanup_free path = memory_format("%s/%s", arguments[1], entry->d_name);
		struct stat status;
		if (lstat(path, &status) || !S_ISSOCK(status.st_mode))
			continue;
		if (strcmp(entry->d_name, "control")) { /* that one speaks JSON lines */
			send_framed(path, nng_req0_open);
			send_framed(path, nng_pub0_open);
		}
		send_bare(path);        /* last: nng takes a while until it reads from new connections again */
		met++;
	}
	closedir(folder);
	printf("%d\n", met);
	return met ? 0 : 1;
}
