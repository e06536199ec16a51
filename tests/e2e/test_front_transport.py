"""Raw FastCGI against lastmile-front: lying peers, and the record layer compared with libfcgi."""
import os
import socket
import struct
import sys
import threading
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peer")]
import fcgi_peer as fp
import front_rig
from front_rig import Rig, until

LIVEZ = "/marketplace/livez"
MIB = 1 << 20


class MuteRedis:
    """Takes connections and says nothing: whoever asks the store waits."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        self.sock.listen(64)

    def close(self):
        self.sock.close()


@unittest.skipIf(front_rig.missing(), "not built: %s" % front_rig.FRONT)
class Records(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig("  processes: 1")
        cls.redis = MuteRedis(cls.rig.dir + "/redis.sock")
        cls.front = cls.rig.front()
        cls.pids = cls.front.children()

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()
        cls.redis.close()

    def peer(self):
        p = fp.Peer(self.rig.sock)
        self.addCleanup(p.close)
        return p

    def alive(self, p=None):
        """That connection, or a new one, answers; and no process died for it."""
        if p is None:
            p = self.peer()
        self.assertEqual(p.ask(LIVEZ).status, 200)
        self.assertEqual(self.front.children(), self.pids)

    def test_one_byte_at_a_time(self):
        p = self.peer()
        p.send(fp.request(LIVEZ), step=1)
        self.assertEqual(p.answer().body, b"ok\n")
        self.alive(p)

    def test_kept_connection(self):
        p = self.peer()
        for i in range(200):
            self.assertEqual(p.ask(LIVEZ, rid=1 + i % 3).status, 200)

    def test_not_kept(self):
        p = self.peer()
        self.assertEqual(p.ask(LIVEZ, flags=0).status, 200)
        self.assertTrue(p.closed())

    def test_sent_ahead_without_reading(self):
        """Both directions fill up: what was taken is answered, what was not waits."""
        p = self.peer()
        n = 3000
        sender = threading.Thread(target=p.send, args=(fp.request(LIVEZ) * n,))
        sender.start()
        sender.join(0.5)
        for _ in range(n):
            self.assertEqual(p.answer().status, 200)
        sender.join()

    def test_two_gigabytes_claimed(self):
        p = self.peer()
        lie = struct.pack(">II", 0xffffffff, 0xffffffff) + b"x"
        p.send(fp.begin() + fp.record(fp.PARAMS, 1, lie))
        with open("/proc/%d/statm" % self.pids[0], encoding="ascii") as f:
            self.assertLess(int(f.read().split()[1]) * 4096, 64 * MIB)
        p.send(fp.record(fp.PARAMS, 1))
        self.assertTrue(p.closed())
        self.alive()

    def test_malformed_closes_that_connection_only(self):
        other = self.peer()
        self.alive(other)
        for lie in (fp.record(fp.BEGIN, 1, b"\0\1\0\0\0\0\0\0", version=2),
                    fp.record(fp.BEGIN, 1, b"\0\1\0"),
                    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                    fp.begin() + fp.begin(),
                    fp.begin() + fp.record(fp.STDIN, 1, b"x"),
                    fp.record(fp.STDOUT, 1, b"x"),
                    fp.record(fp.GET_VALUES, 0, b"\x20\x20")):
            p = self.peer()
            p.send(lie)
            self.assertTrue(p.closed(), lie)
        self.alive(other)

    def test_padding_longer_than_what_comes(self):
        p = self.peer()
        p.send(fp.begin() + fp.record(fp.PARAMS, 1, fp.pairs(fp.variables(LIVEZ))) +
               fp.record(fp.PARAMS, 1) + struct.pack(">BBHHBB", 1, fp.STDIN, 1, 0, 255, 0))
        p.send(b"\0" * 254)
        p.sock.settimeout(0.3)
        with self.assertRaises(socket.timeout):
            p.record()
        p.sock.settimeout(60)
        p.send(b"\0")
        self.assertEqual(p.answer().status, 200)

    def test_silence_is_ended(self):
        """Each of these waits for something that never comes."""
        whole = fp.request(LIVEZ)
        silent = [self.peer() for _ in range(3)]
        silent[1].send(b"\1")
        silent[2].send(whole[:40])
        body = self.peer()
        body.send(fp.begin() + fp.record(fp.PARAMS, 1, fp.pairs(fp.variables(
            LIVEZ, "POST", b"12345"))) + fp.record(fp.PARAMS, 1) + fp.record(fp.STDIN, 1, b"12"))
        deaf = self.peer() # sends and never reads
        deaf.sock.settimeout(1)
        with self.assertRaises(socket.timeout):
            deaf.send(whole * 5000)
        for p in silent:
            self.assertTrue(p.closed())
        body.sock.settimeout(120)
        self.assertEqual(body.answer().status, 408)
        self.assertTrue(body.closed())
        until(lambda: self.was_closed(deaf), "the deaf one closed", 120)
        self.alive()

    @staticmethod
    def was_closed(p):
        """Without reading from it."""
        try:
            p.sock.send(b"", socket.MSG_NOSIGNAL)
            p.sock.settimeout(0.01)
            p.sock.send(b"x", socket.MSG_NOSIGNAL)
        except socket.timeout:
            return False
        except OSError:
            return True
        return False

    def test_abort(self):
        p = self.peer()
        p.send(fp.begin() + fp.record(fp.PARAMS, 1, b"\1") + fp.record(fp.ABORT, 1))
        a = p.answer()
        self.assertEqual((a.raw, a.protocol_status), (b"", 0))
        self.alive(p)

    def test_abort_while_a_handler_works(self):
        p = self.peer()
        p.send(fp.request("/marketplace/readyz") + fp.record(fp.ABORT, 1))
        a = p.answer()
        self.assertEqual((a.raw, a.protocol_status), (b"", 0))
        self.alive(p)

    def test_next_request_while_a_handler_works(self):
        p = self.peer()
        p.send(fp.request("/marketplace/readyz") + fp.request(LIVEZ, rid=2))
        self.assertEqual(p.answer(1).status, 503)
        self.assertEqual(p.answer(2).status, 200)

    def test_second_begin_is_refused(self):
        p = self.peer()
        p.send(fp.begin(1) + fp.begin(2))
        self.assertEqual(p.answer(2).protocol_status, 1) # CANT_MPX_CONN
        p.send(fp.request(LIVEZ)[16:])
        self.assertEqual(p.answer(1).status, 200)

    def test_other_role(self):
        p = self.peer()
        p.send(fp.begin(role=2))
        self.assertEqual(p.answer().protocol_status, 3) # UNKNOWN_ROLE
        self.alive(p)

    def test_management(self):
        p = self.peer()
        p.send(fp.record(fp.GET_VALUES, 0, fp.pairs([("FCGI_MPXS_CONNS", "")])))
        self.assertEqual(p.record(), (fp.VALUES_RESULT, 0, fp.pairs([("FCGI_MPXS_CONNS", "0")])))
        p.send(fp.record(99, 0))
        self.assertEqual(p.record(), (fp.UNKNOWN, 0, b"\x63" + b"\0" * 7))
        self.alive(p)

    def test_peer_gone_before_the_answer(self):
        for path in ("/marketplace/readyz", LIVEZ):
            for half in (True, False):
                p = self.peer()
                p.send(fp.request(path))
                if half:
                    p.sock.shutdown(socket.SHUT_WR)
                    self.assertIn(p.answer().status, (200, 503))
                    self.assertTrue(p.closed())
                else:
                    p.close()
        self.alive()

    def test_over_large_params(self):
        for items in ([("A%d" % i, "b") for i in range(201)],
                      [("A", "x" * 16385)],
                      [("N" * 257, "x")],
                      [("A%d" % i, "x" * 16000) for i in range(5)]):
            p = self.peer()
            self.assertEqual(p.ask(LIVEZ, params=items).status, 431)
            self.alive(p)
        p = self.peer()
        p.send(fp.begin())
        try:
            for _ in range(20):
                p.send(fp.record(fp.PARAMS, 1, b"\0" * 60000))
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertTrue(p.closed())

    def test_bodies(self):
        p = self.peer()
        cases = ((b"x" * 513 * 1024, "", 413), (b"x" * 5 * MIB, "5242880", 413),
                 (b"12345", "4", 400), (b"12345", "6", 400), (b"12345", "five", 400),
                 (b"", "5", 400))
        for body, length, status in cases:
            a = p.ask(LIVEZ, method="POST", body=body, CONTENT_LENGTH=length)
            self.assertEqual(a.status, status, (len(body), length))
            self.alive(p)

    def test_more_than_is_thrown_away(self):
        p = self.peer()
        with self.assertRaises((BrokenPipeError, ConnectionResetError)) as c:
            p.send(fp.request(LIVEZ, "POST", b"x" * 40 * MIB, CONTENT_LENGTH=""))
            raise BrokenPipeError # all of it went into lingering: fine too
        del c
        p = self.peer()
        p.send(fp.begin() + fp.record(fp.PARAMS, 1, fp.pairs(fp.variables(
            LIVEZ, "POST", CONTENT_LENGTH="99999999999"))) + fp.record(fp.PARAMS, 1))
        self.assertEqual(p.answer().status, 413) # before any of it came
        self.assertTrue(p.closed())
        self.alive()

    def test_repeated_params(self):
        p = self.peer()
        same = fp.variables(LIVEZ) + [("HTTP_HOST", "buy.example")]
        differ = fp.variables(LIVEZ) + [("HTTP_HOST", "evil.example")]
        self.assertEqual(p.ask(LIVEZ, params=same).status, 200)
        self.assertEqual(p.ask(LIVEZ, params=differ).status, 400)
        self.alive(p)

    def test_many_idle_connections(self):
        idle = [self.peer() for _ in range(400)]
        self.alive()
        self.alive(idle[200])

    def test_nothing_leaks(self):
        def fds():
            try:
                return len(os.listdir("/proc/%d/fd" % self.pids[0]))
            except PermissionError:  # not dumpable: only root sees descriptors; connections all see
                with open("/proc/net/unix", encoding="utf-8") as f:
                    return sum(line.rstrip().endswith(self.rig.sock) for line in f)
        before = fds()
        for _ in range(50):
            p = fp.Peer(self.rig.sock)
            p.send(fp.begin())
            p.close()
        until(lambda: fds() <= before, "descriptors")


@unittest.skipIf(front_rig.missing(), "not built: %s" % front_rig.FRONT)
class LateHandler(unittest.TestCase):
    def test_answered_for_in_its_place(self):
        """Redis may take a minute, a request may not."""
        rig = Rig()
        self.addCleanup(rig.close)
        redis = MuteRedis(rig.dir + "/redis.sock")
        self.addCleanup(redis.close)
        rig.configure(redis="socket: %s/redis.sock, connect_timeout: 25s, command_timeout: 25s" %
                      rig.dir)
        front = rig.front()
        with fp.Peer(rig.sock) as p:
            p.send(fp.request("/marketplace/readyz"))
            a = p.answer()
            self.assertEqual(a.status, 503)
            self.assertIn("Retry-After", a.headers)
            self.assertTrue(p.closed())
        until(lambda: front.count("front.handler_late") == 1, "a word of it")
        self.assertEqual(fp.ask(rig.sock, LIVEZ).status, 200)


@unittest.skipIf(front_rig.missing(), "not built: %s" % front_rig.FRONT)
class SameAsLibfcgi(unittest.TestCase):
    """The record layer and libfcgi's reference implementation give the same CGI answers."""

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig()
        cls.ours = cls.rig.dir + "/ours.sock"
        cls.theirs = cls.rig.dir + "/theirs.sock"
        cls.rig.front("--transport", "records", listen=cls.ours, log="ours.log")
        cls.rig.front("--transport", "fcgi2", listen=cls.theirs, log="theirs.log")

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    CASES = [
        {}, {"method": "HEAD"}, {"method": "PUT"}, {"method": "POST", "body": b"x=1"},
        {"method": "POST", "body": b"x" * 70000}, {"method": "POST", "body": b"x" * 600000},
        {"method": "POST", "body": b"12345", "CONTENT_LENGTH": "4"},
        {"method": "POST", "body": b"12345", "CONTENT_LENGTH": "6"},
        {"method": "POST", "body": b"12345", "CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "abc"},
        {"path": "/marketplace"}, {"path": "/marketplace/no/such/thing/here"}, {"path": "/"},
        {"path": "/marketplace/../etc"}, {"path": "/marketplace//livez"}, {"path": ""},
        {"path": "/marketplace", "PATH_INFO": "/livez"},
        {"path": "/marketplace/\xff"}, {"path": "/marketplace/a\rb"},
        {"path": "/marketplace/api/nothing"}, {"HTTP_X_LONG": "x" * 16000},
        {"HTTP_X_LONG": "x" * 17000}, {"N" * 300: "x"}, {"HTTP_PROXY": "http://evil.example/"},
        {"params": []},
        {"params": [("REQUEST_METHOD", "GET"), ("SCRIPT_NAME", LIVEZ), ("SCRIPT_NAME", "/other")]},
    ]

    @staticmethod
    def picture(a):
        """What must be equal; a problem document names its request."""
        body = a.body if a.status < 400 else a.body[:20]
        keep = {k: v for k, v in a.headers.items() if a.status < 400 or k != "Content-Length"}
        return a.status, keep, body, a.app_status, a.protocol_status

    def test_same_answers(self):
        for case in self.CASES:
            for flags in (0, fp.KEEP):
                kw = dict(case, flags=flags)
                path = kw.pop("path", LIVEZ)
                with self.subTest(path=path, **{k: str(v)[:40] for k, v in kw.items()}):
                    ours = fp.ask(self.ours, path, **kw)
                    theirs = fp.ask(self.theirs, path, **kw)
                    self.assertEqual(self.picture(ours), self.picture(theirs))
                    self.assertTrue(ours.status)


if __name__ == "__main__":
    unittest.main()
