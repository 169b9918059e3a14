/*
 * slow_sink.c - a server of no speed: it answers each POST a fixed time after the last byte of its body has come.
 *
 * Real servers vary by more than what there is to see. This one needs no CPU worth speaking of, so the lines a second
 * of push and lp_push beside it show what the sender itself adds to each request: 10,000 lines a request and 20 ms make
 * 500,000 a second a connection at most.
 * build: cc -O2 -D_GNU_SOURCE -pthread -o build/slow_sink bench/slow_sink.c
 * usage: slow_sink PORT MILLISECONDS     slow_sink 28430 20     (on 127.0.0.1)
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)

struct client {
	int descriptor;
	unsigned wait_us;
	size_t got;
	char bytes[BUFFER_BYTES + 1];
};

/* The head of a request and what came with it. Returns how much of the body is still to come, or -1. */
static long read_head(struct client *client)
{
	const char *end, *field;
	client->got = 0;
	for (;;) {
		client->bytes[client->got] = '\0';
		if ((end = strstr(client->bytes, "\r\n\r\n")) != NULL)
			break;
		ssize_t n = read(client->descriptor, client->bytes + client->got, BUFFER_BYTES - client->got);
		if (n <= 0)
			return -1;
		client->got += (size_t)n;
	}
	field = strcasestr(client->bytes, "\r\nContent-Length:");
	return (field != NULL ? atol(field + strlen("\r\nContent-Length:")) : 0) -
	       (long)(client->got - (size_t)(end + 4 - client->bytes));
}

static int serve_one(struct client *client)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
	long left = read_head(client);
	if (left < 0)
		return -1;
	while (left > 0) {
		ssize_t n = read(client->descriptor, client->bytes, left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES);
		if (n <= 0)
			return -1;
		left -= n;
	}
	usleep(client->wait_us);
	return write(client->descriptor, answer, sizeof(answer) - 1) == (ssize_t)sizeof(answer) - 1 ? 0 : -1;
}

static void *serve(void *arg)
{
	struct client *client = arg;
	while (serve_one(client) == 0)
		;
	close(client->descriptor);
	free(client);
	return NULL;
}

static int listen_on(int port)
{
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 64) == 0)
		return listener;
	perror("slow_sink");
	return -1;
}

int main(int argc, char **argv)
{
	int listener = argc == 3 ? listen_on(atoi(argv[1])) : -1;
	if (listener < 0) {
		fputs("usage: slow_sink PORT MILLISECONDS\n", stderr);
		return 2;
	}
	for (;;) {
		pthread_t thread;
		struct client *client = malloc(sizeof(*client));
		if (client == NULL || (client->descriptor = accept(listener, NULL, NULL)) < 0)
			return 1;
		client->wait_us = (unsigned)atoi(argv[2]) * 1000;
		if (pthread_create(&thread, NULL, serve, client) != 0)
			return 1;
		pthread_detach(thread);
	}
}
