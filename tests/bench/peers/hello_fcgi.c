/* The textbook FastCGI program: libfcgi, a blocking accept loop, eight processes on one socket.
 * usage: hello_fcgi SOCKET */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 8, BACKLOG = 511 };

static void serve(int sock)
{
    FCGX_Request req;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    FCGX_InitRequest(&req, sock, 0);
    while (FCGX_Accept_r(&req) == 0) {
        FCGX_PutS("Content-Type: text/plain\r\n\r\nok\n", req.out);
        FCGX_Finish_r(&req);
    }
    exit(0);
}

int main(int argc, char **argv)
{
    int sock;

    if (argc != 2 || FCGX_Init() != 0)
        return 2;
    sock = FCGX_OpenSocket(argv[1], BACKLOG);
    if (sock < 0 || chmod(argv[1], 0777) != 0)
        return 1;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();

        if (pid < 0)
            return 1;
        if (pid == 0)
            serve(sock);
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}
