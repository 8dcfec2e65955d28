// SPDX-License-Identifier: Apache-2.0
/* postgres.c: starts and keeps a PostgreSQL server. A keeper process stands between the test and the server: it takes
 * orders through a socket, and when the test is gone (the socket is closed, also by a crash) it kills the server and
 * removes the directory. */
#include "frame/postgres.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/db/postgres_lib.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "frame/port.h"
#include "frame/test.h"

#define MOST_DATABASES 200

enum { ORDER_START = 'g', ORDER_STOP = 's', ORDER_CRASH = 'c', ANSWER_OK = 'k', ANSWER_BAD = 'n' };

static char programs[256]; /* the directory of initdb and postgres */
static char directory[64]; /* short: a socket's path has little room */
static char port[16];
static int keeper = -1; /* the socket to the keeper */
static unsigned databases;

/* ---- in the keeper ---- */

static void become_nobody(void)
{
    if (geteuid() != 0) return;
    const struct passwd *user = getpwnam("postgres");
    if (!user) user = getpwnam("nobody");
    if (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) _exit(125);
}

static pid_t start_program(const char *const *arguments, const char *log)
{
    pid_t pid = fork();
    if (pid != 0) return pid;
    become_nobody();
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    for (int i = 3; i < 256; i++) close(i);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    unsetenv("LD_PRELOAD");
    if (chdir("/") != 0) _exit(126);
    char *copies[32] = {NULL}; /* execv() wants them writable */
    for (int i = 0; i < 31 && arguments[i]; i++) copies[i] = strdup(arguments[i]);
    execv(copies[0], copies);
    _exit(127);
}

static pid_t start_server(void)
{
    char program[300], data[100], log[100];
    snprintf(program, sizeof(program), "%s/postgres", programs);
    snprintf(data, sizeof(data), "%s/data", directory);
    snprintf(log, sizeof(log), "%s/log", directory);
    const char *const arguments[] = {program,
                                     "-D",
                                     data,
                                     "-p",
                                     port,
                                     "-k",
                                     directory,
                                     "-c",
                                     "listen_addresses=127.0.0.1",
                                     "-c",
                                     "max_connections=200",
                                     "-c",
                                     "shared_buffers=64MB",
                                     "-c",
                                     "fsync=off", /* processes die here, not the machine */
                                     "-c",
                                     "log_min_messages=fatal",
                                     NULL};
    return start_program(arguments, log);
}

static void stop_server(pid_t *server, int signal_number)
{
    if (*server <= 0) return;
    kill(*server, signal_number);
    waitpid(*server, NULL, 0);
    *server = 0;
}

static bool make_cluster(void)
{
    char program[300], data[100], log[100];
    int status = 1;
    snprintf(program, sizeof(program), "%s/initdb", programs);
    snprintf(data, sizeof(data), "%s/data", directory);
    snprintf(log, sizeof(log), "%s/log", directory);
    const char *const arguments[] = {program, "-D", data,   "-U",         "auger",     "-A",
                                     "trust", "-E", "UTF8", "--locale=C", "--no-sync", NULL};
    pid_t pid = start_program(arguments, log);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static _Noreturn void keep(int orders)
{
    ag_err err = {0};
    char order;
    pid_t server = 0;
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    char answer = make_cluster() ? ANSWER_OK : ANSWER_BAD;
    while (write(orders, &answer, 1) == 1 && read(orders, &order, 1) == 1) {
        if (order == ORDER_START && server == 0) server = start_server();
        if (order == ORDER_STOP) stop_server(&server, SIGINT);
        if (order == ORDER_CRASH) stop_server(&server, SIGQUIT);
        answer = server >= 0 ? ANSWER_OK : ANSWER_BAD;
    }
    stop_server(&server, SIGQUIT);
    ag_fault_arm(0, 0);                      /* one of the test's may have come along */
    int rc = ag_dir_remove(directory, &err); /* processes of the server may be writing for a moment yet */
    for (int tries = 0; rc < 0 && tries < 100; tries++) {
        ag_sleep(50000);
        err = (ag_err){0};
        rc = ag_dir_remove(directory, &err);
    }
    if (rc < 0) fprintf(stderr, "# %s\n", err.text);
    _exit(0);
}

/* ---- in the test ---- */

static bool find_programs(void)
{
    glob_t found = {0};
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0 && found.gl_pathc > 0) {
        const char *last = found.gl_pathv[found.gl_pathc - 1];
        snprintf(programs, sizeof(programs), "%.*s", (int)(strrchr(last, '/') - last), last);
    }
    globfree(&found);
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at && !programs[0]; at += strcspn(at, ":"), at += *at == ':') {
        char name[300];
        snprintf(name, sizeof(name), "%.*s/initdb", (int)strcspn(at, ":"), at);
        if (access(name, X_OK) == 0) snprintf(programs, sizeof(programs), "%.*s", (int)strcspn(at, ":"), at);
    }
    return programs[0] != '\0';
}

static bool reserve_port(void)
{
    uint16_t number = ag_test_reserve_port();
    snprintf(port, sizeof(port), "%u", number);
    return number != 0;
}

static bool make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/auger-pg-XXXXXX");
    if (!mkdtemp(directory)) return false;
    if (geteuid() != 0) return true;
    const struct passwd *user = getpwnam("postgres");
    if (!user) user = getpwnam("nobody");
    return user && chown(directory, user->pw_uid, user->pw_gid) == 0;
}

static bool order(char what)
{
    char answer = ANSWER_BAD;
    return write(keeper, &what, 1) == 1 && read(keeper, &answer, 1) == 1 && answer == ANSWER_OK;
}

/* One command on the database "postgres"; waits for a server that is starting. */
static bool command(const char *text)
{
    const ag_libpq *pq = NULL;
    ag_err err = {0};
    char url[256];
    bool good = false;
    if (ag_libpq_load(&pq, &err) < 0) ag_test_skip("libpq is not installed (libpq5)");
    snprintf(url, sizeof(url), "postgresql://auger@/postgres?host=%s&port=%s", directory, port);
    const char *const keywords[] = {"dbname", NULL};
    const char *const values[] = {url, NULL};
    for (int tries = 0; tries < 2400 && !good; tries++) {
        if (tries > 0) ag_sleep(50000);
        PGconn *handle = pq->PQconnectdbParams(keywords, values, 1);
        if (pq->PQstatus(handle) == CONNECTION_OK) {
            PGresult *result = pq->PQexec(handle, text);
            ExecStatusType status = pq->PQresultStatus(result);
            good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
            pq->PQclear(result);
        }
        pq->PQfinish(handle);
    }
    return good;
}

static void start_keeper(void)
{
    int pair[2];
    char ready = ANSWER_BAD;
    if (!find_programs()) ag_test_skip("PostgreSQL is not installed (package postgresql)");
    if (!reserve_port() || !make_directory() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        fail_msg("cannot prepare a PostgreSQL server");
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        setsid();
        keep(pair[1]);
    }
    close(pair[1]);
    keeper = pair[0];
    if (pid < 0 || read(keeper, &ready, 1) != 1 || ready != ANSWER_OK) fail_msg("initdb failed; see %s/log", directory);
    ag_test_postgres_up();
}

const char *ag_test_postgres_database(void)
{
    static char urls[MOST_DATABASES][256];
    char text[64];
    if (databases == MOST_DATABASES) fail_msg("more than %d databases in one test program", MOST_DATABASES);
    if (keeper < 0) start_keeper();
    snprintf(text, sizeof(text), "CREATE DATABASE t%u", ++databases);
    if (!command(text)) fail_msg("%s failed; see %s/log", text, directory);
    char *url = urls[databases - 1];
    snprintf(url, sizeof(urls[0]), "postgresql://auger@/t%u?host=%s&port=%s", databases, directory, port);
    return url;
}

const char *ag_test_postgres_tcp(const char *url)
{
    static char text[256];
    char name[32];
    if (sscanf(url, "postgresql://auger@/%31[^?]", name) != 1) fail_msg("not an address of this server: %s", url);
    snprintf(text, sizeof(text), "postgresql://auger@127.0.0.1:%s/%s", port, name);
    return text;
}

void ag_test_postgres_down(bool crash)
{
    if (!order(crash ? ORDER_CRASH : ORDER_STOP)) fail_msg("the keeper of PostgreSQL is gone");
}

void ag_test_postgres_up(void)
{
    if (!order(ORDER_START) || !command("SELECT 1")) fail_msg("PostgreSQL does not start; see %s/log", directory);
}
