// SPDX-License-Identifier: Apache-2.0
/* process.c: see process.h.
 * posix_spawn() instead of fork(): safe beside other threads, no copy of a large address space, and a program that
 * cannot be started is told by its return value. The child leads a process group, so that what it starts dies with it;
 * the group is signalled only while the leader has not been reaped, when its number cannot belong to anybody else. One
 * poll() loop reads and writes, so that neither side can wait for the other for ever; it wakes twenty times a second to
 * look whether it has been cancelled. A program that ends while something it started still holds its stdout has ended:
 * we look for that too. Writing to one that reads no more must not raise SIGPIPE in the host program: the signal is
 * blocked around the write and taken away if it came. */
#include "core/sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"

enum { SLICE = 50, PIECE = 1 << 16, MAX_LINE = 1 << 20, MAX_QUEUE = 1 << 30, MAX_SIGNAL = 64 };

struct ag_process {
    pid_t pid; /* 0: not running any more */
    char *name;
    int in, out; /* our ends; -1: closed */
    bool ended_output, close_input;
    int64_t grace, heard; /* when it last printed something */
    ag_buf seen, queue;
    size_t used, scanned; /* of `seen`: given out; without a line end */
    size_t sent;          /* of `queue` */
    uint64_t lines;
    ag_process_end end;
};

/* ---- starting ---- */

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words && words[count]) count++;
    return count;
}

static bool same_name(const char *a, const char *b)
{
    size_t size = strcspn(a, "=");
    return strncmp(a, b, size) == 0 && b[size] == '=';
}

/* Ours with `over` over it; the array is the caller's, its strings are not. */
static char **environment_of(const char *const *over)
{
    size_t ours = count_words((const char *const *)environ), more = count_words(over), count = 0;
    char **all = ag_calloc(ours + more + 1, sizeof *all);
    for (size_t i = 0; all && i < ours; i++) {
        bool replaced = false;
        for (size_t k = 0; k < more; k++) replaced = replaced || same_name(over[k], environ[i]);
        if (!replaced) all[count++] = environ[i];
    }
    for (size_t k = 0; all && k < more; k++) all[count++] = (char *)(uintptr_t)over[k];
    return all;
}

static int open_pipe(int ends[2])
{
    if (!ag_fault(AG_FAULT_FILE)) return pipe2(ends, O_CLOEXEC);
    errno = EIO;
    return -1;
}

/* What happens in the child between its birth and the program: descriptors, directory. */
static int plan_child(const ag_process_options *options, int input, int output, posix_spawn_file_actions_t *plan)
{
    int error = 0;
    if (options->directory) error = posix_spawn_file_actions_addchdir_np(plan, options->directory);
    if (!error)
        error = input >= 0 ? posix_spawn_file_actions_adddup2(plan, input, STDIN_FILENO)
                           : posix_spawn_file_actions_addopen(plan, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(plan, output, STDOUT_FILENO);
    if (!error && options->error_file)
        error = posix_spawn_file_actions_addopen(plan, STDERR_FILENO, options->error_file,
                                                 O_WRONLY | O_CREAT | O_APPEND, 0666);
    return error ? error : posix_spawn_file_actions_addclosefrom_np(plan, STDERR_FILENO + 1);
}

/* Every signal as it is for a new program, in a group of its own. */
static int plan_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    if (!error) error = posix_spawnattr_setsigdefault(attributes, &all);
    if (!error) error = posix_spawnattr_setpgroup(attributes, 0);
    return error ? error
                 : posix_spawnattr_setflags(attributes,
                                            POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int spawn(const ag_process_options *options, char *const *environment, int input, int output, pid_t *pid)
{
    posix_spawn_file_actions_t plan;
    posix_spawnattr_t attributes;
    if (ag_fault(AG_FAULT_FILE)) return EIO;
    int error = posix_spawn_file_actions_init(&plan);
    if (error) return error;
    if (!(error = posix_spawnattr_init(&attributes))) {
        error = plan_child(options, input, output, &plan);
        if (!error) error = plan_signals(&attributes);
        if (!error)
            error = posix_spawnp(pid, options->words[0], &plan, &attributes, (char *const *)(uintptr_t)options->words,
                                 environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&plan);
    return error;
}

static int check_directory(const char *directory, ag_err *err)
{
    if (!directory || access(directory, X_OK) == 0) return 0;
    return ag_fail_errno(err, errno, "cannot work in the directory %s", directory);
}

static int start(ag_process *process, const ag_process_options *options, ag_err *err)
{
    int input[2] = {-1, -1}, output[2] = {-1, -1};
    char **environment = environment_of(options->environment);
    int rc = environment ? check_directory(options->directory, err) : ag_fail_memory(err, PIECE);
    if (rc >= 0 && (open_pipe(output) < 0 || (options->input && open_pipe(input) < 0)))
        rc = ag_fail_errno(err, errno, "cannot make a pipe to %s", process->name);
    int error = rc >= 0 ? spawn(options, environment, input[0], output[1], &process->pid) : 0;
    if (error) {
        process->pid = 0;
        rc = ag_fail_errno(err, error, "cannot start %s", process->name);
        if (error == ENOENT) ag_err_hint(err, "is it installed, and does its first line name a program that is?");
        if (error == EACCES) ag_err_hint(err, "make it executable: chmod +x %s", process->name);
    }
    if (input[0] >= 0) (void)close(input[0]);
    if (output[1] >= 0) (void)close(output[1]);
    process->in = input[1];
    process->out = output[0];
    ag_free(environment);
    return rc;
}

int ag_process_start(const ag_process_options *options, ag_process **out, ag_err *err)
{
    if (!options->words || !options->words[0] || !*options->words[0])
        return ag_fail(err, AG_EINVAL, "no program was named");
    ag_process *process = ag_calloc(1, sizeof *process);
    if (!process) return ag_fail_memory(err, sizeof *process);
    process->in = process->out = -1;
    process->grace = options->grace;
    process->heard = ag_monotonic();
    ag_buf_init(&process->seen, MAX_LINE + PIECE);
    ag_buf_init(&process->queue, MAX_QUEUE);
    process->name = ag_strdup(options->words[0]);
    int rc = process->name ? start(process, options, err) : ag_fail_memory(err, strlen(options->words[0]));
    if (rc >= 0 && process->in >= 0 && fcntl(process->in, F_SETFL, O_NONBLOCK) < 0)
        rc = ag_fail_errno(err, errno, "cannot write to %s", process->name);
    if (rc >= 0)
        *out = process;
    else
        ag_process_free(process);
    return rc;
}

/* ---- its end ---- */

static void close_end(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

/* Without reaping it. */
static bool has_ended(const ag_process *process)
{
    siginfo_t info = {0};
    if (!process->pid) return true;
    int rc = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return rc < 0 ? errno == ECHILD : info.si_pid == process->pid;
}

/* What it has left behind goes with it. */
static void reap(ag_process *process)
{
    int status = 0;
    pid_t got;
    (void)kill(-process->pid, SIGKILL);
    do got = waitpid(process->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    process->end = (ag_process_end){.code = -1};
    if (got == process->pid && WIFEXITED(status)) process->end.code = WEXITSTATUS(status);
    if (got == process->pid && WIFSIGNALED(status)) process->end.signal = WTERMSIG(status);
    process->pid = 0;
}

void ag_process_stop(ag_process *process)
{
    if (!process->pid) return;
    int64_t until = ag_monotonic() + process->grace;
    (void)kill(-process->pid, SIGTERM);
    (void)kill(-process->pid, SIGCONT); /* one that is stopped could not obey */
    while (!has_ended(process) && ag_monotonic() < until) ag_sleep(5000);
    reap(process);
}

void ag_process_free(ag_process *process)
{
    if (!process) return;
    ag_process_stop(process);
    close_end(&process->in);
    close_end(&process->out);
    ag_buf_deinit(&process->seen);
    ag_buf_deinit(&process->queue);
    ag_free(process->name);
    ag_free(process);
}

int ag_process_wait(ag_process *process, ag_cancel *cancel, ag_process_end *out, ag_err *err)
{
    ag_str line;
    int rc;
    ag_process_send_end(process);
    while ((rc = ag_process_line(process, cancel, 0, &line, err)) > 0);
    close_end(&process->out);
    close_end(&process->in);
    while (rc >= 0 && !has_ended(process)) rc = ag_cancel_sleep(cancel, 5000, err);
    if (rc < 0) return rc;
    if (process->pid) reap(process);
    *out = process->end;
    return 0;
}

void ag_process_end_format(const ag_process_end *end, char out[64])
{
    static const struct {
        int number;
        const char *name;
    } known[] = {{SIGKILL, "killed, perhaps because memory ran out"},
                 {SIGSEGV, "it broke"},
                 {SIGABRT, "it gave up"},
                 {SIGTERM, "it was asked to end"},
                 {SIGINT, "it was asked to end"}};
    const char *name = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == end->signal) name = known[i].name;
    if (!end->signal)
        ag_format(out, 64, "exit code %d", end->code);
    else
        ag_format(out, 64, "signal %d%s%s%s", end->signal, name ? " (" : "", name ? name : "", name ? ")" : "");
}

/* ---- lines and what is sent ---- */

int ag_process_send(ag_process *process, ag_str bytes, ag_err *err)
{
    if (process->in < 0 || process->close_input) return ag_fail(err, AG_ECONFLICT, "%s reads no more", process->name);
    if (process->sent == process->queue.size) {
        ag_buf_clear(&process->queue);
        process->sent = 0;
    }
    (void)ag_buf_add_str(&process->queue, bytes);
    return ag_buf_check(&process->queue, "what is to be sent", err);
}

void ag_process_send_end(ag_process *process)
{
    process->close_input = true;
    if (process->sent == process->queue.size) close_end(&process->in);
}

/* write() that raises no SIGPIPE. */
static ptrdiff_t write_quietly(int fd, const char *bytes, size_t size)
{
    static const struct timespec at_once = {0};
    sigset_t broken, waiting, before;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    sigpending(&waiting);
    bool ours = !sigismember(&waiting, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &broken, &before);
    ptrdiff_t wrote = write(fd, bytes, size);
    int kept = errno;
    while (wrote < 0 && kept == EPIPE && ours && sigtimedwait(&broken, NULL, &at_once) < 0 && errno == EINTR);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = kept;
    return wrote;
}

/* A program that reads no more is no failure: what it prints or how it ends says why. */
static int send_some(ag_process *process, ag_err *err)
{
    if (ag_fault(AG_FAULT_FILE)) return ag_fail_errno(err, EIO, "cannot write to %s", process->name);
    ptrdiff_t wrote =
        write_quietly(process->in, process->queue.data + process->sent, process->queue.size - process->sent);
    if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (wrote < 0 && errno != EPIPE) return ag_fail_errno(err, errno, "cannot write to %s", process->name);
    if (wrote < 0)
        close_end(&process->in);
    else
        process->sent += (size_t)wrote;
    if (process->close_input && process->sent == process->queue.size) close_end(&process->in);
    return 0;
}

static int read_some(ag_process *process, ag_err *err)
{
    ag_buf *seen = &process->seen;
    if (process->used) {
        memmove(seen->data, seen->data + process->used, seen->size - process->used);
        seen->size -= process->used;
        process->scanned -= process->used;
        process->used = 0;
    }
    char *room = ag_buf_reserve(seen, PIECE);
    if (!room) return ag_buf_check(seen, "a line", err);
    if (ag_fault(AG_FAULT_FILE)) return ag_fail_errno(err, EIO, "cannot read from %s", process->name);
    ptrdiff_t got = read(process->out, room, PIECE);
    if (got < 0 && errno == EINTR) return 0;
    if (got < 0) return ag_fail_errno(err, errno, "cannot read from %s", process->name);
    process->heard = ag_monotonic();
    process->ended_output = got == 0;
    seen->size += (size_t)got;
    seen->data[seen->size] = '\0';
    return 0;
}

/* A line out of what was read: 1; 0 when more must be read first. */
static int take_line(ag_process *process, ag_str *line, ag_err *err)
{
    ag_str seen = ag_buf_str(&process->seen);
    size_t end = ag_str_find_char(seen, '\n', process->scanned);
    bool whole = end != SIZE_MAX;
    if (!whole) end = seen.size;
    if (end - process->used > MAX_LINE)
        return ag_fail(err, AG_ELIMIT, "line %llu of what %s prints is longer than a MiB",
                       (unsigned long long)process->lines + 1, process->name);
    process->scanned = end;
    if (!whole && (!process->ended_output || end == process->used)) return 0;
    *line = ag_str_slice(seen, process->used, end - process->used);
    if (line->size && line->data[line->size - 1] == '\r') line->size--;
    process->used = process->scanned = whole ? end + 1 : end;
    process->lines++;
    return 1;
}

/* Waits a little for something to read or to write. */
static int look(ag_process *process, ag_err *err)
{
    bool sending = process->in >= 0 && process->sent < process->queue.size;
    struct pollfd ports[2] = {{.fd = process->out, .events = POLLIN},
                              {.fd = sending ? process->in : -1, .events = POLLOUT}};
    int ready = poll(ports, 2, SLICE);
    if (ready < 0 && errno != EINTR) return ag_fail_errno(err, errno, "cannot wait for %s", process->name);
    if (ready == 0 && has_ended(process) && (ready = poll(ports, 1, 0)) == 0) process->ended_output = true;
    if (ready <= 0) return 0;
    int rc = ports[1].revents ? send_some(process, err) : 0;
    return rc >= 0 && ports[0].revents ? read_some(process, err) : rc;
}

int ag_process_line(ag_process *process, ag_cancel *cancel, int64_t silence, ag_str *line, ag_err *err)
{
    for (;;) {
        int rc = take_line(process, line, err);
        if (rc != 0 || process->ended_output || process->out < 0) return rc;
        if ((rc = ag_cancel_check(cancel, err)) < 0) return rc;
        if ((rc = look(process, err)) < 0) return rc;
        if (silence <= 0 || ag_monotonic() - process->heard <= silence) continue;
        char time[32];
        ag_duration_format(silence, time);
        return ag_fail(err, AG_ETIMEOUT, "%s has said nothing for %s", process->name, time);
    }
}

uint64_t ag_process_lines(const ag_process *process)
{
    return process->lines;
}
