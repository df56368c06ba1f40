//! Libraries and tasks that break the rules: each gives an error that says so, and nothing worse.

mod common;

use common::{TestHost, build_c_text, load, run_c, scratch, task};
use concurrent_futures_task::host::{Host, Library, LoadError, PluginError};
use std::path::Path;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

fn load_error(path: &Path) -> LoadError {
    // SAFETY: as for `common::load`.
    unsafe { Library::load(path) }.expect_err("it should not load")
}

/// What a library with this table is refused for.
fn malformed(name: &str, table: &str) -> String {
    let text = format!(
        "static int32_t run(cf_context *context) {{ (void)context; return CF_OK; }}
         {table}
         const cf_task_table *concurrent_futures_tasks(uint32_t host_abi) {{
           (void)host_abi; (void)run; return &table;
         }}"
    );
    match load_error(&build_c_text(&text, name)) {
        LoadError::Malformed { reason, .. } => reason,
        other => panic!("{name}: {other}"),
    }
}

/// A table of well-formed tasks with these names.
fn named(names: &[&str]) -> String {
    let tasks: Vec<String> = names.iter().map(|name| format!("CF_TASK({name}, run)")).collect();
    format!(
        "static const cf_task tasks[] = {{{}}};
         static const cf_task_table table = {{sizeof(cf_task_table), CF_TASK_ABI, tasks, {}}};",
        tasks.join(", "),
        names.len()
    )
}

/// Runs a task with this body.
fn body(name: &str, body: &str) -> Result<Vec<u8>, PluginError> {
    let text = format!("static int32_t run(cf_context *c) {{ {body} }} CF_TASKS(CF_TASK(\"run\", run))");
    run_c(&text, name, b"", &TestHost::default())
}

#[test]
fn files_that_are_no_plugins_are_told_apart() {
    assert!(matches!(load_error(Path::new("/no/such/file.so")), LoadError::Missing { .. }));
    assert!(matches!(load_error(&std::env::temp_dir()), LoadError::Missing { .. }));
    let text = scratch("text.so");
    std::fs::write(&text, "not a library").unwrap();
    assert!(matches!(load_error(&text), LoadError::NotALibrary { .. }));
    let unresolved = build_c_text("extern void nowhere(void); void here(void) { nowhere(); }", "unresolved");
    assert!(matches!(load_error(&unresolved), LoadError::NotALibrary { .. }));
    let foreign = build_c_text("int answer(void) { return 42; }", "foreign");
    assert!(matches!(load_error(&foreign), LoadError::Foreign { .. }));
    let newer =
        "const cf_task_table *concurrent_futures_tasks(uint32_t host_abi) { (void)host_abi; return NULL; }";
    assert!(matches!(load_error(&build_c_text(newer, "newer")), LoadError::Incompatible { .. }));
}

/// On Windows making the link would take a privilege.
#[cfg(unix)]
#[test]
fn a_library_is_loaded_once() {
    let text = "static int32_t run(cf_context *c) { (void)c; return CF_OK; } CF_TASKS(CF_TASK(\"run\", run))";
    let path = build_c_text(text, "once");
    let link = scratch("once-link.so");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(std::ptr::eq(load(&path), load(&link)));
    assert_eq!(load(&link).path(), path.canonicalize().unwrap());
}

#[test]
fn a_file_with_two_names_or_a_new_one_is_loaded_once() {
    let text = "static int32_t run(cf_context *c) { (void)c; return CF_OK; } CF_TASKS(CF_TASK(\"run\", run))";
    let built = build_c_text(text, "names");
    let [first, link, renamed] = ["names-first.so", "names-link.so", "names-renamed.so"].map(scratch);
    for path in [&first, &link, &renamed] {
        let _ = std::fs::remove_file(path);
    }
    std::fs::copy(&built, &first).unwrap();
    std::fs::hard_link(&first, &link).unwrap();
    let library = load(&first);
    assert!(std::ptr::eq(library, load(&link)));
    std::fs::rename(&first, &renamed).unwrap();
    std::fs::copy(build_c_text(&text.replace("(void)c", "(void)(c + 1)"), "names-new"), &first).unwrap();
    assert!(std::ptr::eq(library, load(&renamed)));
    // The path of a loaded library stays its own: a new build there needs a new process.
    assert!(std::ptr::eq(library, load(&first)));
    let copy = scratch("names-copy.so");
    std::fs::copy(&built, &copy).unwrap();
    assert!(!std::ptr::eq(library, load(&copy)));
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_loader_would_not_explain_or_not_survive_is_refused_before_it() {
    let refused = |name: &str, bytes: &[u8]| {
        let path = scratch(name);
        std::fs::write(&path, bytes).unwrap();
        match load_error(&path) {
            LoadError::NotALibrary { reason, .. } => reason,
            other => panic!("{name}: {other}"),
        }
    };
    let text = "static char large[1 << 20] = {1};
        static int32_t run(cf_context *c) { c->progress(c, (uint8_t *)large, 1); return CF_OK; }
        CF_TASKS(CF_TASK(\"run\", run))";
    let library = std::fs::read(build_c_text(text, "to-cut")).unwrap();
    for length in [4, 63, 200, library.len() / 2] {
        assert_eq!(refused(&format!("cut-{length}.so"), &library[..length]), "it is cut off");
    }
    let mut other = library.clone();
    other[18] = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    assert!(refused("other.so", &other).starts_with("it is made for another processor"));
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    let header = |name, fields: &str| {
        malformed(
            name,
            &format!(
                "static const cf_task tasks[] = {{CF_TASK(\"run\", run)}};
                 static const cf_task_table table = {{{fields}}};
                 static const void *used(void) {{ return tasks; }}
                 const void *use(void) {{ return used(); }}"
            ),
        )
    };
    assert_eq!(header("size-0", "0, 1, tasks, 1"), "the table claims a size of 0 bytes");
    assert_eq!(header("size-small", "16, 1, tasks, 1"), "the table claims a size of 16 bytes");
    assert_eq!(header("size-odd", "25, 1, tasks, 1"), "the table claims a size of 25 bytes");
    assert_eq!(
        header("size-huge", "0xFFFFFFF8u, 1, tasks, 1"),
        "the table claims a size of 4294967288 bytes"
    );
    assert_eq!(header("abi-0", "24, 0, tasks, 1"), "the table claims version 0 of the ABI");
    assert_eq!(header("abi-2", "24, 2, tasks, 1"), "the table claims version 2 of the ABI");
    assert_eq!(header("no-tasks", "24, 1, tasks, 0"), "it has no tasks");
    assert_eq!(header("null-tasks", "24, 1, NULL, 3"), "it has no tasks");
    assert_eq!(header("many", "24, 1, tasks, 1u << 31"), "it claims to have 2147483648 tasks");
}

#[test]
fn tasks_that_make_no_sense_are_refused() {
    assert_eq!(malformed("empty", &named(&["\"\""])), "task 0: its name is empty");
    assert_eq!(malformed("null-name", &named(&["NULL"])), "task 0: it has no name");
    assert_eq!(malformed("latin", &named(&["\"ok\"", "\"\\xE9\""])), "task 1: its name is not UTF-8");
    assert_eq!(malformed("twice", &named(&["\"a\"", "\"b\"", "\"a\""])), "two tasks have the name a");
    let long = format!("\"{}\"", "x".repeat(256));
    assert_eq!(malformed("long", &named(&[&long])), "task 0: its name is too long");
    let fine = named(&["\"a\"", "\"b\""]);
    let no_function = fine.replace("CF_TASK(\"b\", run)", "CF_TASK(\"b\", NULL)");
    assert_eq!(malformed("no-function", &no_function), "task 1: it has no function");
    let other_size = fine.replace("CF_TASK(\"b\", run)", "{32, 1, \"b\", run}");
    assert_eq!(malformed("other-size", &other_size), "task 1: its size is 32, that of the first one is 24");
}

#[test]
fn structs_that_have_grown_are_understood() {
    let text = "
        typedef struct { cf_task task; uint64_t more; } longer_task;
        static int32_t a(cf_context *c) { return c->out(c, (const uint8_t *)\"a\", 1); }
        static int32_t b(cf_context *c) { return c->out(c, (const uint8_t *)\"b\", 1); }
        #define LONGER(name, run) {{sizeof(longer_task), 1, name, run}, 7}
        static const longer_task tasks[] = {LONGER(\"a\", a), LONGER(\"b\", b)};
        static const struct { cf_task_table table; uint64_t more; } table =
          {{sizeof table, 1, (const cf_task *)tasks, 2}, 7};
        const cf_task_table *concurrent_futures_tasks(uint32_t host_abi) {
          return host_abi >= 1 ? &table.table : NULL;
        }";
    let library = load(&build_c_text(text, "grown"));
    assert_eq!(task(library, "b").run(b"", &TestHost::default()), Ok(b"b".to_vec()));
}

#[test]
fn what_a_task_says_must_fit_together() {
    let failed = |text: &str| Err(PluginError::Failed(text.into()));
    let misbehaved = |text: &str| Err(PluginError::Misbehaved(text.into()));
    assert_eq!(
        body("mute", "(void)c; return CF_ERROR;"),
        failed("the native task failed without saying why")
    );
    assert_eq!(body("utf8", "c->error(c, \"a\\xFFz\", 3); return CF_ERROR;"), failed("a\u{FFFD}z"));
    assert_eq!(
        body("late-out", "c->error(c, \"no\", 2); c->out(c, (const uint8_t *)\"yes\", 3); return CF_ERROR;"),
        failed("no")
    );
    assert_eq!(
        body("recovered", "c->error(c, \"no\", 2); c->out(c, (const uint8_t *)\"yes\", 3); return CF_OK;"),
        Ok(b"yes".to_vec())
    );
    assert_eq!(body("unknown", "(void)c; return 77;"), misbehaved("it returned the unknown status 77"));
    assert_eq!(
        body("uncalled", "(void)c; return CF_CANCELLED;"),
        misbehaved("it reported a cancellation that nobody asked for")
    );
    assert_eq!(
        body("nothing", "c->out(c, NULL, 0); c->error(c, NULL, 0); c->progress(c, NULL, 0); return CF_OK;"),
        Ok(Vec::new())
    );
    assert_eq!(
        body("null-out", "return c->out(c, NULL, 5) == 1 ? CF_OK : CF_PANIC;"),
        misbehaved("it called out with NULL or an impossible length")
    );
    assert_eq!(
        body("huge-out", "return c->out(c, c->input, SIZE_MAX) == 1 ? CF_OK : CF_PANIC;"),
        misbehaved("it called out with NULL or an impossible length")
    );
    assert_eq!(
        body("no-out", "return c->out(c, c->out_reserve(c, 2), 0) == 0 ? CF_OK : CF_PANIC;"),
        Ok(vec![0, 0])
    );
    assert_eq!(
        body("own-out", "return c->out(c, c->out_reserve(c, 9), 9) == 1 ? CF_OK : CF_PANIC;"),
        misbehaved("it called out with bytes that the output itself lends")
    );
}

#[test]
fn output_beyond_all_bounds_is_an_error_whatever_the_task_says() {
    for (name, status) in [("large-ok", "CF_OK"), ("large-error", "CF_ERROR")] {
        let text = format!(
            "if (c->out(c, (const uint8_t *)\"a\", 1) != 0) return CF_PANIC;
             return c->out_reserve(c, (size_t)1 << 32) == NULL ? {status} : CF_PANIC;"
        );
        assert_eq!(body(name, &text), Err(PluginError::TooLarge));
    }
}

#[test]
fn only_so_much_of_an_errors_text_is_kept() {
    let text = "
        #include <stdlib.h>
        #include <string.h>
        static int32_t run(cf_context *c) {
          size_t length = 1 << 20;
          char *text = malloc(length);
          memset(text, 'a', length);
          c->error(c, text, length);
          free(text);
          return CF_ERROR;
        }
        CF_TASKS(CF_TASK(\"run\", run))";
    assert_eq!(
        run_c(text, "long-text", b"", &TestHost::default()),
        Err(PluginError::Failed("a".repeat(1 << 16)))
    );
}

#[test]
fn time_that_is_up_counts_as_a_cancellation() {
    let text = "static int32_t run(cf_context *c) { return c->remaining_ns(c) == 0 ? CF_CANCELLED : CF_OK; }
                CF_TASKS(CF_TASK(\"run\", run))";
    let host = TestHost { remaining: Some(Duration::ZERO), ..TestHost::default() };
    assert_eq!(run_c(text, "time-up", b"", &host), Err(PluginError::Cancelled));
    assert_eq!(run_c(text, "time-left", b"", &TestHost::default()), Ok(Vec::new()));
}

#[test]
fn hooks_are_called_once_and_never_after_the_task() {
    let text = "
        #include <stdlib.h>
        static void hook(void *data) { if (data == NULL) abort(); ++*(int *)data; }
        static int32_t run(cf_context *c) {
          int calls = 0;
          c->on_cancel(c, hook, &calls);
          c->on_cancel(c, hook, &calls);
          uint8_t count = (uint8_t)calls;
          return c->out(c, &count, 1);
        }
        CF_TASKS(CF_TASK(\"run\", run))";
    let host = TestHost::default();
    let task = task(load(&build_c_text(text, "hooks")), "run");
    assert_eq!(task.run(b"", &host), Ok(vec![0]));
    assert_eq!(host.hooks.lock().unwrap().len(), 1); // one for both
    host.cancel(); // too late; the stack that the hooks would write to is gone
    assert_eq!(task.run(b"", &host), Ok(vec![2]));
}

#[test]
fn a_host_that_panics_sees_its_own_panic() {
    struct Panicking(AtomicU8);
    impl Host for Panicking {
        fn cancel_flag(&self) -> &AtomicU8 {
            &self.0
        }
        fn on_cancel(&self, _hook: Box<dyn FnOnce() + Send>) {}
        fn progress(&self, _bytes: Vec<u8>) {
            panic!("of the host");
        }
        fn remaining(&self) -> Option<Duration> {
            None
        }
    }
    let text = "static int32_t run(cf_context *c) { c->progress(c, NULL, 0); return CF_OK; }
                CF_TASKS(CF_TASK(\"run\", run))";
    let run = || run_c(text, "host-panic", b"", &Panicking(AtomicU8::new(0)));
    let payload = std::panic::catch_unwind(run).expect_err("the panic should come through");
    assert_eq!(payload.downcast_ref(), Some(&"of the host"));
}
