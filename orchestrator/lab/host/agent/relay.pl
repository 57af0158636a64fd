# Carries what comes on standard input to the machine's agent, and what the agent says to standard output. Says nothing
# when no agent listens, and ends with 75 (EX_TEMPFAIL).
use strict;
use warnings;
use Socket;

$0 = 'lab-relay';
socket(my $agent, AF_UNIX, SOCK_STREAM, 0) or exit 75;
connect($agent, pack_sockaddr_un("\0amazon-ssm-agent")) or exit 75;
my $asks = 1;
while (1) {
    my $ready = '';
    vec($ready, fileno $agent, 1) = 1;
    vec($ready, 0, 1) = 1 if $asks;
    select($ready, undef, undef, undef) > 0 or next;
    if (vec $ready, 0, 1) {
        my $got = sysread STDIN, my $chunk, 65_536;
        $asks = 0 if !$got;
        my $at = 0;
        $at += syswrite($agent, $chunk, $got - $at, $at) || exit 1 while $got && $at < $got;
    }
    if (vec $ready, fileno $agent, 1) {
        my $got = sysread $agent, my $chunk, 65_536 or exit 0;
        my $at = 0;
        $at += syswrite(STDOUT, $chunk, $got - $at, $at) || exit 1 while $at < $got;
    }
}
