/*
 * lp_push.c - how many InfluxDB line-protocol lines a server accepts per second.
 *
 * Builds NB distinct batches of LINES lines in memory (timestamps advance on every
 * push so that nothing is a duplicate write of the same point), optionally gzips them, and posts them on
 * CONC keep-alive connections (one thread each) for SECONDS; counts only 2xx answers.
 * build: cc -O2 -pthread -o lp_push lp_push.c -lcurl -lz
 * usage: lp_push URL LINES CONC SECONDS gzip|plain SERIES [fields]
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zlib.h>

static const char *url;
static int lines, gz, series;
static double end;
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
struct w {
	pthread_t t;
	int id;
	long ok, bad, bytes;
	double lat, build;
};
static size_t sink(char *p, size_t s, size_t n, void *u)
{
	(void)p;
	(void)u;
	return s * n;
}
static void *run(void *a)
{
	struct w *w = a;
	CURL *e = curl_easy_init();
	struct curl_slist *h = curl_slist_append(NULL, "Content-Type: text/plain");
	h = curl_slist_append(h, "Expect:");
	if (gz)
		h = curl_slist_append(h, "Content-Encoding: gzip");
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, sink);
	char *b = malloc(lines * 160ul), *z = malloc(lines * 170ul);
	uint32_t r = 77 + w->id;
	long k = (long)w->id * series / 8;
	unsigned long long ts = (unsigned long long)time(NULL) * 1000000000ull;
	while (now() < end) {
		double t0 = now();
		char *p = b;
		for (int i = 0; i < lines; i++, k++) {
			int s = k % series;
			r = r * 1664525 + 1013904223;
			p += sprintf(
				p, "probe,target=10.%d.%d.%d,module=icmp,site=dc%02d rtt=%u.%03u,loss=0,sent=1i %llu\n",
				77 + (s >> 16), s >> 8 & 255, s & 255, s % 40, r >> 25, r >> 12 & 511,
				(unsigned long long)ts + (uint64_t)(k / series) * 1000000000ull + w->id * 1000);
		}
		size_t n = p - b;
		char *out = b;
		if (gz) {
			z_stream s = {0};
			deflateInit2(&s, 1, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY);
			s.next_in = (void *)b;
			s.avail_in = n;
			s.next_out = (void *)z;
			s.avail_out = lines * 170;
			deflate(&s, Z_FINISH);
			n = s.total_out;
			deflateEnd(&s);
			out = z;
		}
		double t1 = now();
		w->build += t1 - t0;
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, out);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)n);
		long code = 0;
		CURLcode c = curl_easy_perform(e);
		curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &code);
		w->lat += now() - t1;
		if (c == CURLE_OK && code / 100 == 2)
			w->ok++;
		else
			w->bad++;
		w->bytes += n;
	}
	return NULL;
}
int main(int argc, char **argv)
{
	if (argc < 7)
		return 2;
	url = argv[1];
	lines = atoi(argv[2]);
	int conc = atoi(argv[3]);
	double secs = atof(argv[4]);
	gz = !strcmp(argv[5], "gzip");
	series = atoi(argv[6]);
	curl_global_init(CURL_GLOBAL_ALL);
	struct w *w = calloc(conc, sizeof *w);
	double t0 = now();
	end = t0 + secs;
	for (int i = 0; i < conc; i++) {
		w[i].id = i;
		pthread_create(&w[i].t, NULL, run, &w[i]);
	}
	struct w s = {0};
	for (int i = 0; i < conc; i++) {
		pthread_join(w[i].t, NULL);
		s.ok += w[i].ok;
		s.bad += w[i].bad;
		s.bytes += w[i].bytes;
		s.lat += w[i].lat;
		s.build += w[i].build;
	}
	double el = now() - t0;
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	double cpu = u.ru_utime.tv_sec + u.ru_utime.tv_usec * 1e-6 + u.ru_stime.tv_sec + u.ru_stime.tv_usec * 1e-6;
	printf("lines %d conc %d %s: %.0f lines/s (bad %ld) %.1f MB/s on the wire, batch latency %.1f ms, client cpu "
	       "%.2f us/line, build %.2f us/line\n",
	       lines, conc, argv[5], s.ok * (double)lines / el, s.bad, s.bytes / el / 1e6,
	       s.lat * 1e3 / (s.ok + s.bad ? s.ok + s.bad : 1),
	       cpu * 1e6 / ((s.ok + s.bad ? s.ok + s.bad : 1) * (double)lines),
	       s.build * 1e6 / ((s.ok + s.bad ? s.ok + s.bad : 1) * (double)lines));
	return 0;
}
