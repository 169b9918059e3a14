#include "exporter/hasher.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#include "core/mailbox.h"
#include "core/mem.h"

struct hash_job {
	struct mail mail; /* first: the answer is the job itself, posted back */
	struct hash_plan plan;
	bool is_right;
	struct hash_job *next;
};

struct hasher {
	struct mailbox *mailbox;
	pthread_t thread;
	bool is_running;
	unsigned under_way; /* asked and not answered yet: the loop's thread only */
	struct address clients[HASHER_WAITING_MAX];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct hash_job *first, **end;
	bool is_ending;
};

static void free_job(struct hash_job *job)
{
	OPENSSL_cleanse(&job->plan.claim, sizeof(job->plan.claim));
	mem_free(job);
}

/* --- its thread -------------------------------------------------------------------------------------------------- */

static bool compare(const struct claim *claim)
{
	struct crypt_data data;
	memset(&data, 0, sizeof(data));
	const char *made = crypt_r(claim->password, claim->hash, &data);
	/* A user that does not exist is never right, whatever comes out. */
	bool is_right = made && strlen(made) == strlen(claim->hash) &&
			CRYPTO_memcmp(made, claim->hash, strlen(made)) == 0 && claim->user != SIZE_MAX;
	OPENSSL_cleanse(&data, sizeof(data));
	return is_right;
}

static struct hash_job *take(struct hasher *hasher)
{
	pthread_mutex_lock(&hasher->lock);
	while (!hasher->first && !hasher->is_ending)
		pthread_cond_wait(&hasher->changed, &hasher->lock);
	struct hash_job *job = hasher->is_ending ? NULL : hasher->first;
	if (job) {
		hasher->first = job->next;
		if (!hasher->first)
			hasher->end = &hasher->first;
	}
	pthread_mutex_unlock(&hasher->lock);
	return job;
}

static void *run(void *arg)
{
	struct hasher *hasher = arg;
	struct hash_job *job;
	pthread_setname_np(pthread_self(), "passwords");
	while ((job = take(hasher)) != NULL) {
		job->is_right = compare(&job->plan.claim);
		/* The mailbox has room for all jobs that there can be. */
		if (!mailbox_post(hasher->mailbox, &job->mail))
			free_job(job);
	}
	return NULL;
}

/* --- the loop's thread ------------------------------------------------------------------------------------------- */

static void forget_client(struct hasher *hasher, const struct address *client)
{
	for (unsigned i = 0; i < hasher->under_way; i++) {
		if (!address_equal(&hasher->clients[i], client))
			continue;
		hasher->clients[i] = hasher->clients[--hasher->under_way];
		return;
	}
}

static void deliver(struct mail *mail, void *owner)
{
	struct hash_job *job = (struct hash_job *)mail;
	forget_client(owner, &job->plan.client);
	job->plan.done(job->plan.arg, &job->plan.claim, job->is_right);
	free_job(job);
}

static void drop_job(struct hash_job *job)
{
	job->plan.drop(job->plan.arg);
	free_job(job);
}

static void drop(struct mail *mail)
{
	drop_job((struct hash_job *)mail);
}

struct hasher *hasher_create(struct loop *loop, struct err *err)
{
	struct hasher *hasher = mem_zero(1, sizeof(*hasher));
	hasher->mailbox = mailbox_create(loop, HASHER_WAITING_MAX, hasher, err);
	if (!hasher->mailbox) {
		mem_free(hasher);
		return NULL;
	}
	pthread_mutex_init(&hasher->lock, NULL);
	pthread_cond_init(&hasher->changed, NULL);
	hasher->end = &hasher->first;
	return hasher;
}

static void stop(struct hasher *hasher)
{
	pthread_mutex_lock(&hasher->lock);
	hasher->is_ending = true;
	pthread_cond_signal(&hasher->changed);
	pthread_mutex_unlock(&hasher->lock);
	pthread_join(hasher->thread, NULL);
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	if (hasher->is_running)
		stop(hasher);
	for (struct hash_job *job = hasher->first, *next; job; job = next) {
		next = job->next;
		drop_job(job);
	}
	mailbox_free(hasher->mailbox);
	pthread_cond_destroy(&hasher->changed);
	pthread_mutex_destroy(&hasher->lock);
	mem_free(hasher);
}

static bool has_room(const struct hasher *hasher, const struct address *client)
{
	unsigned of_one = 0;
	for (unsigned i = 0; i < hasher->under_way; i++)
		of_one += address_equal(&hasher->clients[i], client);
	return hasher->under_way < HASHER_WAITING_MAX && of_one < HASHER_OF_ONE_MAX;
}

static bool start(struct hasher *hasher)
{
	if (!hasher->is_running)
		hasher->is_running = pthread_create(&hasher->thread, NULL, run, hasher) == 0;
	return hasher->is_running;
}

bool hasher_ask(struct hasher *hasher, const struct hash_plan *plan)
{
	if (!has_room(hasher, &plan->client) || !start(hasher))
		return false;
	struct hash_job *job = mem_zero(1, sizeof(*job));
	job->mail = (struct mail){.deliver = deliver, .drop = drop};
	job->plan = *plan;
	hasher->clients[hasher->under_way++] = plan->client;
	pthread_mutex_lock(&hasher->lock);
	*hasher->end = job;
	hasher->end = &job->next;
	pthread_cond_signal(&hasher->changed);
	pthread_mutex_unlock(&hasher->lock);
	return true;
}
