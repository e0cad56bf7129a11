/* tcp_reader: the plain reader that the bench puts at the VM's TCP trace port: connects, reads,
 * throws away, and when as many messages as it was told have come or were said to be dropped, or
 * the port closed, prints how many came, how many were dropped, and when that was (system time,
 * microseconds). Framing: op (0 message, 1 drop), size (32 bits), term. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint8_t buf[1 << 20];

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(argv[1])),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = -1;
    for (int i = 0; i < 500; i++) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
            break;
        close(fd);
        fd = -1;
        usleep(10000);
    }
    if (fd < 0)
        return 1;
    unsigned long long messages = 0, drops = 0, expected = strtoull(argv[2], NULL, 10);
    size_t have = 0;
    while (messages + drops < expected) {
        ssize_t n = read(fd, buf + have, sizeof buf - have);
        if (n <= 0)
            break;
        have += (size_t)n;
        size_t at = 0;
        while (have - at >= 5) {
            uint32_t size;
            memcpy(&size, buf + at + 1, 4);
            size = ntohl(size);
            if (buf[at] == 1) {
                drops += size;
                at += 5;
                continue;
            }
            if (have - at < 5 + (size_t)size)
                break;
            messages++;
            at += 5 + (size_t)size;
        }
        memmove(buf, buf + at, have - at);
        have -= at;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%llu %llu %lld\n", messages, drops,
           (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    return 0;
}
