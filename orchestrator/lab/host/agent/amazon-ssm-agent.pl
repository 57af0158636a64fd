#!/usr/bin/perl
# Stand-in for the Amazon SSM Agent on a machine of the lab. It needs Debian's perl-base alone.
#
# It takes its identity from the metadata service, calls the lab, and runs the scripts that the lab sends. Each script is
# a process of this unit, as with the real agent: limits, cgroup and namespaces of the unit apply because systemd applies
# them to this daemon.
#
# The lab connects to an abstract socket, which needs no writable folder. A connection is one request:
#   "state\n"                         answered by "online\n" or "waiting\n"
#   "run\n" NAME=VALUE lines, "\n", the script; "kill\n" later, to end it. Answered by "taken\n" before anything of it is
#   run, so that the lab knows what an agent that ends has not begun, and by
#   "end CODE STDOUT-SIZE STDERR-SIZE PROBLEM\n" and the beginning of both streams
use strict;
use warnings;
use POSIX ();
use Socket;
use IO::Select;

use constant VERSION  => '@VERSION@';
use constant METADATA => '169.254.169.254';
use constant LOGS     => '/var/log/amazon/ssm';
use constant STATE    => '/var/lib/amazon/ssm';
use constant KEPT     => 24_000;                 # bytes of each stream that a reply carries
use constant PEER     => 17;                     # SO_PEERCRED, Linux

if (@ARGV && $ARGV[0] =~ /^--?version$/) {
    print 'SSM Agent version: ', VERSION, "\n";
    exit 0;
}
$0 = 'amazon-ssm-agent';
$SIG{TERM} = \&stop;
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
note('Starting Core Agent');
note('amazon-ssm-agent - v' . VERSION);
my $id = instance();
if ($id eq '') {
    note('failed to find identity: the metadata service does not answer');
    exit 1;
}
identify();
note("Agent will take identity from EC2: $id");
serve(door());

# -- the daemon ------------------------------------------------------------------------------------------------

# Accept requests, each in a process of its own, and call the lab until it has answered well.
sub serve {
    my ($door) = @_;
    my ($online, $next) = (0, 0);
    while (1) {
        if (!$online && time >= $next) {
            my $pause = call();
            $online = $pause == 0;
            $next   = time + $pause;
        }
        # A signal that arrives just before `select` sleeps is noticed when it returns.
        IO::Select->new($door)->can_read(1) or next;
        accept(my $client, $door) or next;
        my ($pid, $uid) = unpack 'iii', getsockopt($client, SOL_SOCKET, PEER);
        next if $uid != 0;
        my $child = fork;
        next if !defined $child || $child;
        close $door;
        answer($client, $online);
        POSIX::_exit(0);
    }
}

sub stop {
    note('Stopping Core Agent');
    select undef, undef, undef, 0.2;    # the real one takes a moment, too
    note('Bye.');
    POSIX::_exit(0);
}

sub door {
    my $door;
    socket($door, AF_UNIX, SOCK_STREAM, 0)
        && bind($door, pack_sockaddr_un("\0amazon-ssm-agent"))
        && listen($door, 64)
        or note("the lab cannot reach this agent: $!");
    return $door;
}

# The agent's first call. Returns the seconds after which to call again, 0 when it was answered well.
sub call {
    my ($status, $head) = http('POST', '/ami-lab/agent/UpdateInstanceInformation');
    if ($status == 200) {
        note('Agent is online');
        return 0;
    }
    my $pause = $head =~ /^Retry-After: (\d+)/mi ? $1 : 300;
    note("UpdateInstanceInformation was refused with status $status; sleeping for $pause seconds");
    return $pause || 1;
}

sub instance {
    my ($status, undef, $token) = http('PUT', '/latest/api/token', 'X-aws-ec2-metadata-token-ttl-seconds: 60');
    return '' if $status != 200;
    ($status, undef, my $found) = http('GET', '/latest/meta-data/instance-id', "X-aws-ec2-metadata-token: $token");
    return $status == 200 ? $found : '';
}

# Status (0: no answer), head and body. The agent names itself, so that the lab can tell its calls from others'.
sub http {
    my ($method, $path, @fields) = @_;
    my $said = '';
    local $SIG{ALRM} = sub { die "late\n" };
    eval {
        alarm 5;
        my $line;
        socket($line, AF_INET, SOCK_STREAM, 0) && connect($line, pack_sockaddr_in(80, inet_aton(METADATA))) or die;
        my @lines = ("$method $path HTTP/1.1", 'Host: ' . METADATA, 'User-Agent: amazon-ssm-agent/' . VERSION, @fields);
        syswrite $line, join("\r\n", @lines, 'Content-Length: 0', 'Connection: close', '', '');
        1 while sysread $line, $said, 4096, length $said;
        alarm 0;
    };
    alarm 0;
    my ($head, $body) = split /\r\n\r\n/, $said, 2;
    return ($said =~ m{^HTTP/1\.\d (\d+)} ? $1 : 0, $head || '', defined $body ? $body : '');
}

# -- what is written -------------------------------------------------------------------------------------------

# A line of the log. The umask is the unit's own again afterwards: scripts inherit it.
sub note {
    my $umask = umask 077;
    folders(LOGS);
    if (open my $log, '>>', LOGS . '/amazon-ssm-agent.log') {
        syswrite $log, POSIX::strftime('%Y-%m-%d %H:%M:%S.0000', localtime) . " INFO [$0] @_\n";
    }
    umask $umask;
}

sub identify {
    my $umask = umask 077;
    folders(STATE . '/runtimeconfig');
    if (open my $file, '>', STATE . '/runtimeconfig/identity_config.json') {
        print $file qq({"SchemaVersion":"1.1","InstanceId":"$id","IdentityType":"EC2","ShareFile":"","ShareProfile":""}\n);
    }
    umask $umask;
}

# Make a folder and those above it; true when it is there.
sub folders {
    my ($path) = @_;
    my $made = '';
    for my $name (grep { length } split m{/}, $path) {
        $made .= "/$name";
        mkdir $made, 0700;
    }
    return -d $path;
}

# A new file with this content; true when all of it was written.
sub put {
    my ($path, $mode, $content) = @_;
    unlink $path;
    sysopen(my $file, $path, POSIX::O_WRONLY | POSIX::O_CREAT | POSIX::O_TRUNC, $mode) or return 0;
    my $at = 0;
    while ($at < length $content) {
        my $wrote = syswrite $file, $content, length($content) - $at, $at;
        return 0 if !$wrote;
        $at += $wrote;
    }
    return close $file;
}

# -- a request -------------------------------------------------------------------------------------------------

sub answer {
    my ($client, $online) = @_;
    my $asked = '';
    while ($asked !~ /\n/) {
        sysread $client, $asked, 65_536, length $asked or return;
    }
    return syswrite $client, $online ? "online\n" : "waiting\n" if $asked =~ /^state\n/;
    until ($asked =~ /\n\n/) {
        sysread $client, $asked, 65_536, length $asked or return;
    }
    my ($head, $script) = split /\n\n/, $asked, 2;
    my %order = map { split /=/, $_, 2 } grep { /=/ } split /\n/, $head;
    my $length = delete $order{length};
    until (length $script >= $length) {
        sysread $client, $script, 65_536, length $script or return;
    }
    work($client, substr($script, 0, $length), %order);
}

# As the real agent's ssm-document-worker: a session of its own, which a restart of the daemon leaves alone.
sub work {
    my ($client, $script, %order) = @_;
    POSIX::setsid();
    $0 = 'ssm-document-worker';
    $SIG{TERM} = $SIG{CHLD} = 'DEFAULT';
    my $folder = STATE . "/$id/document/orchestration/$order{command}/awsrunShellScript/0.awsrunShellScript";
    syswrite $client, "taken\n";
    note("Running script of command $order{command}:\n$script");
    # No room for it: the real agent fails, and does not say why.
    return reply($client, 1, '', '', '') if !folders($folder) || !put("$folder/_script.sh", 0700, $script);
    my ($code, $problem, $out, $err) = run($client, "$folder/_script.sh", %order);
    put("$folder/$_->[0]", 0600, $_->[1]) for ['stdout', $out], ['stderr', $err];
    put("$folder/$_->[0]", 0600, $_->[1]) for ['stdoutConsole', $out], ['stderrConsole', $err];
    note("Command $order{command} ended with $code:\n$out$err");
    reply($client, $code, $problem, $out, $err);
}

sub reply {
    my ($client, $code, $problem, $out, $err) = @_;
    my $said = join(' ', 'end', $code, length $out, length $err, $problem) . "\n$out$err";
    my $at = 0;
    while ($at < length $said) {
        $at += syswrite($client, $said, length($said) - $at, $at) || last;
    }
}

# The exit code (-1: a signal ended it), what went wrong in Go's words, and the beginning of both streams.
sub run {
    my ($client, $path, %order) = @_;
    pipe(my $out, my $to_out) && pipe(my $err, my $to_err) && pipe(my $failure, my $to_failure) or return (1, '', '', '');
    my $script = fork;
    return (1, "fork/exec /usr/bin/sh: \l$!", '', '') if !defined $script;
    if (!$script) {
        # A group of its own, in the worker's session.
        POSIX::setpgid(0, 0);
        $SIG{PIPE} = 'DEFAULT';
        my $directory = delete $order{directory};
        delete $order{command};
        if (chdir $directory) {
            open STDIN, '<', '/dev/null';
            open STDOUT, '>&', $to_out;
            open STDERR, '>&', $to_err;
            @ENV{ keys %order } = values %order;
            exec { 'sh' } 'sh', '-c', $path;
        }
        syswrite $to_failure, "fork/exec /usr/bin/sh: \l$!";
        POSIX::_exit(1);
    }
    close $_ for $to_out, $to_err, $to_failure;
    sysread $failure, my $why, 4096;
    my ($status, @said) = attend($client, $script, $out, $err);
    return (1, $why, @said) if $why;
    my $signal = $status & 127;
    return (-1, 'signal: ' . ({ 9 => 'killed', 15 => 'terminated' }->{$signal} || $signal), @said) if $signal;
    my $code = $status >> 8;
    return ($code, $code ? "exit status $code" : '', @said);
}

# Until the script has ended and nobody holds its output open any more; or until a second after the lab said "kill".
# Returns its status, and the beginning of both streams: as they were before a kill.
sub attend {
    my ($client, $script, $out, $err) = @_;
    my %said = ($out => '', $err => '');
    my $select = IO::Select->new($client, $out, $err);
    my ($open, $looks, $left, $status, @before) = (2, 0);
    while ($open || !defined $status) {
        if (!defined $status && waitpid($script, POSIX::WNOHANG()) == $script) {
            $status = $?;
            next;
        }
        last if defined $left && $left-- == 0;
        # Whoever has closed both streams ends soon, as a rule.
        my $pause = $open && !defined $left ? undef : $looks++ < 20 ? 0.002 : 0.05;
        for my $ready ($select->can_read($pause)) {
            my $got = sysread $ready, my $chunk, 65_536;
            if (!$got) {
                $select->remove($ready);
                $open-- if $ready != $client;
            } elsif ($ready != $client) {
                $said{$ready} .= substr $chunk, 0, KEPT - length $said{$ready} if length $said{$ready} < KEPT;
            } elsif (!defined $left) {
                @before = ($said{$out}, $said{$err});
                kill 'KILL', -$script;
                $left = 40;
            }
        }
    }
    return (defined $status ? $status : 9, @before ? @before : ($said{$out}, $said{$err}));
}
