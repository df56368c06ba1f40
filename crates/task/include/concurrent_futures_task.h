/*
 * Native tasks for concurrent-futures: what a plug-in library and its host say to each other.
 *
 * A plug-in is a shared library that exports one function, concurrent_futures_tasks. Written in C:
 *
 *     #include "concurrent_futures_task.h"
 *
 *     static int32_t hello(cf_context *context) {
 *       return context->out(context, (const uint8_t *)"hello", 5) ? CF_ERROR : CF_OK;
 *     }
 *     CF_TASKS(CF_TASK("hello", hello))
 *
 * Rules for both sides:
 * - The host owns all memory. What it is given (output, error, progress) it copies before the call returns;
 *   what it lends (the context, the input, reserved output) is valid until the task returns.
 * - A library is never unloaded. The table and all that it points to stay as they are.
 * - The functions of the context may be called only by the thread that runs the task, while it runs. The
 *   cancel flag may be read by any thread during that time.
 * - No exception may leave a task or a hook.
 * - A task may run on several threads at once. Each has a stack of 8 MiB.
 *
 * Structs only ever grow at their end, and `size` says how far the other side filled its own. CF_TASK_ABI
 * changes when that is not enough.
 */
#ifndef CONCURRENT_FUTURES_TASK_H
#define CONCURRENT_FUTURES_TASK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CF_TASK_ABI 1u

/* What a task returns. */
#define CF_OK 0        /* the output is the result */
#define CF_ERROR 1     /* failed; the last text given to `error` says why */
#define CF_CANCELLED 2 /* gave up because the cancel flag was set */
#define CF_PANIC 3     /* a bug: the same as CF_ERROR, but reported as a panic */

typedef struct cf_context cf_context;

struct cf_context {
  uint32_t size;
  uint32_t abi;

  /* The bytes that the task was submitted with. Read only. */
  const uint8_t *input;
  size_t input_length;

  /* Not 0 once the task is cancelled or its time is up. Look about every millisecond: nothing else can stop a
   * native task. See cf_cancelled. */
  const volatile uint8_t *cancel_flag;

  /* Has `hook(data)` called, at most once, when the task is cancelled: by another thread, or by this one
   * before on_cancel returns when that has already happened. For tasks that sleep or wait. A hook should be
   * short and must not call the context's functions. Hooks are not called after the task has returned; the
   * host waits for one that is running. So the hook of a cancelled task is not called at all when the task
   * sees the flag and returns first. With a NULL hook all hooks of the task are forgotten, and none is
   * running when on_cancel returns: call it so before freeing what they use. */
  void (*on_cancel)(cf_context *context, void (*hook)(void *data), void *data);

  /* Appends to the result, which may have 4 GiB. Returns 0, or 1 when it has more, or there is no memory: the
   * task cannot succeed any more. */
  int32_t (*out)(cf_context *context, const uint8_t *bytes, size_t length);

  /* Appends `length` zero bytes to the result and lends them for writing, until the next call of out or
   * out_reserve. NULL where `out` would return 1. */
  uint8_t *(*out_reserve)(cf_context *context, size_t length);

  /* The message (UTF-8) for CF_ERROR and CF_PANIC, of which 64 KiB are kept. A later call replaces it. */
  void (*error)(cf_context *context, const char *text, size_t length);

  /* Tells the caller how far the task is, in bytes that the two agree on, 4 GiB at most. */
  void (*progress)(cf_context *context, const uint8_t *bytes, size_t length);

  /* Nanoseconds until the task's time is up, 0 when it is, UINT64_MAX when there is no limit. */
  uint64_t (*remaining_ns)(cf_context *context);
};

typedef struct cf_task {
  uint32_t size;
  uint32_t abi;
  const char *name; /* UTF-8, 1 to 255 bytes and a NUL, not twice in one table */
  int32_t (*run)(cf_context *context);
} cf_task;

typedef struct cf_task_table {
  uint32_t size;
  uint32_t abi;
  const cf_task *tasks;
  size_t count;
} cf_task_table;

#if defined(_WIN32)
#define CF_TASK_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define CF_TASK_EXPORT __attribute__((visibility("default")))
#else
#define CF_TASK_EXPORT
#endif

/* The one symbol of a plug-in. `host_abi` is the newest version that the host speaks; it speaks all older
 * ones too. Returns NULL when that is not new enough. */
CF_TASK_EXPORT const cf_task_table *concurrent_futures_tasks(uint32_t host_abi);

#define CF_TASK(name, run) {(uint32_t)sizeof(cf_task), CF_TASK_ABI, (name), (run)}

/* Defines the symbol. Takes any number of CF_TASK(…). */
#define CF_TASKS(...)                                                                              \
  static const cf_task cf_tasks_of_this_library[] = {__VA_ARGS__};                                 \
  static const cf_task_table cf_table_of_this_library = {                                          \
      (uint32_t)sizeof(cf_task_table), CF_TASK_ABI, cf_tasks_of_this_library,                      \
      sizeof cf_tasks_of_this_library / sizeof *cf_tasks_of_this_library};                         \
  CF_TASK_EXPORT const cf_task_table *concurrent_futures_tasks(uint32_t host_abi) {                \
    return host_abi >= CF_TASK_ABI ? &cf_table_of_this_library : NULL;                             \
  }

static inline int cf_cancelled(const cf_context *context) { return *context->cancel_flag != 0; }

#ifdef __cplusplus
}
#endif

#endif
