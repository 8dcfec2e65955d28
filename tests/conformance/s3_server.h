// SPDX-License-Identifier: Apache-2.0
#pragma once
/* s3_server.h: a real S3 server for one test program, started when it is first asked for. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame/test.h"

static struct {
    int tried;
    int port; /* 0: not there */
    pid_t process;
    int input;
    char access[64], secret[128];
} s3_server;

static void s3_server_stop(void)
{
    if (s3_server.process <= 0) return;
    close(s3_server.input);
    waitpid(s3_server.process, NULL, 0);
}

static int s3_server_python(char path[4096])
{
    char command[8192];
    const char *source = getenv("AUGER_SOURCE");
    snprintf(command, sizeof(command),
             "cd '%s' && python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && "
             "scripts/test-venv s3 tests/clients/requirements-s3.txt 2>/dev/null",
             source ? source : ".");
    FILE *pipe = popen(command, "r");
    if (!pipe) return 0;
    int got = fgets(path, 4096, pipe) != NULL;
    if (pclose(pipe) != 0 || !got) return 0;
    path[strcspn(path, "\n")] = 0;
    return 1;
}

static void s3_server_launch(const char *python)
{
    int in[2], out[2];
    char script[4096];
    const char *source = getenv("AUGER_SOURCE");
    snprintf(script, sizeof(script), "%s/tests/conformance/s3_server.py", source ? source : ".");
    if (pipe(in) || pipe(out)) return;
    s3_server.process = fork();
    if (s3_server.process == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        unsetenv("LD_PRELOAD");
        execl(python, python, script, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    s3_server.input = in[1];
    atexit(s3_server_stop);
    FILE *stream = fdopen(out[0], "r");
    if (!stream || fscanf(stream, "%d %63s %127s", &s3_server.port, s3_server.access, s3_server.secret) != 3)
        s3_server.port = 0;
}

/* False when it cannot be had. Sets the credentials in the environment. */
static int s3_server_start(void)
{
    char python[4096];
    if (!s3_server.tried) {
        s3_server.tried = 1;
        signal(SIGPIPE, SIG_IGN);
        if (s3_server_python(python)) s3_server_launch(python);
    }
    if (!s3_server.port) return 0;
    setenv("AWS_ACCESS_KEY_ID", s3_server.access, 1);
    setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret, 1);
    unsetenv("AWS_SESSION_TOKEN");
    return 1;
}
