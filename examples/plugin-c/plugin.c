/*
 * Native tasks in C: from bytes to bytes. Build with
 *
 *     cc -std=c11 -O2 -shared -fPIC -I ../../crates/task/include -o plugin.so plugin.c -lpthread
 *
 * (on macOS name it plugin.dylib; with MinGW for Windows plugin.dll, and add -static) and give the library to
 * loadNative.
 */
#define _POSIX_C_SOURCE 200809L

#include "concurrent_futures_task.h"
#include <pthread.h>
#include <string.h>
#include <time.h>

/* Work between two looks at the cancel flag. */
#define CHUNK (64 * 1024)

static int32_t fail(cf_context *context, const char *message) {
  context->error(context, message, strlen(message));
  return CF_ERROR;
}

/* The sum of all bytes, as 8 bytes, least significant first. */
static int32_t sum_bytes(cf_context *context) {
  uint64_t sum = 0;
  for (size_t i = 0; i < context->input_length; i++) {
    if (i % CHUNK == 0 && cf_cancelled(context)) return CF_CANCELLED;
    sum += context->input[i];
  }
  uint8_t *result = context->out_reserve(context, 8);
  if (result == NULL) return fail(context, "no memory");
  for (int i = 0; i < 8; i++) result[i] = (uint8_t)(sum >> (8 * i));
  return CF_OK;
}

/* Works until it is cancelled. */
static int32_t spin(cf_context *context) {
  while (!cf_cancelled(context)) {
  }
  return CF_CANCELLED;
}

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t wakened;
  int cancelled;
} sleeper;

/* Called by the thread that cancels. */
static void wake(void *data) {
  sleeper *self = data;
  pthread_mutex_lock(&self->mutex);
  self->cancelled = 1;
  pthread_cond_signal(&self->wakened);
  pthread_mutex_unlock(&self->mutex);
}

/* Sleeps as many milliseconds as the input says in 4 bytes, least significant first; a cancellation wakes
 * it. */
static int32_t sleep_hook(cf_context *context) {
  if (context->input_length != 4) return fail(context, "sleep_hook wants 4 bytes");
  const uint8_t *input = context->input;
  uint32_t ms = input[0] | (uint32_t)input[1] << 8 | (uint32_t)input[2] << 16 | (uint32_t)input[3] << 24;

  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec += 1;
    until.tv_nsec -= 1000000000;
  }

  sleeper self = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  context->on_cancel(context, wake, &self);
  pthread_mutex_lock(&self.mutex);
  int error = 0;
  while (!self.cancelled && error == 0) {
    error = pthread_cond_timedwait(&self.wakened, &self.mutex, &until);
  }
  int cancelled = self.cancelled;
  pthread_mutex_unlock(&self.mutex);

  /* The hook uses self: no call of it may be running when self goes away. */
  context->on_cancel(context, NULL, NULL);
  pthread_cond_destroy(&self.wakened);
  pthread_mutex_destroy(&self.mutex);
  if (cancelled) return CF_CANCELLED;
  return context->out(context, (const uint8_t *)"slept", 5) == 0 ? CF_OK : fail(context, "no memory");
}

CF_TASKS(CF_TASK("sum_bytes", sum_bytes), CF_TASK("spin", spin), CF_TASK("sleep_hook", sleep_hook))
