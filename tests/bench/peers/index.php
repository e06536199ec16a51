<?php
// The seller's registration service in PHP: phpredis, a list as the queue.
$redis = new Redis();
$redis->pconnect($_SERVER['BENCH_REDIS']);
$parts = explode('/', trim($_SERVER['BENCH_PATH'], '/'));
$id = $parts[1] ?? '';

if ($parts[0] === 'hello') {
    header('Content-Type: text/plain');
    echo "ok\n";
    return;
}
if ($parts[0] === 'status') {
    $v = $redis->hMGet("tenant:$id", ['state', 'step', 'pct', 'msg', 'endpoint', 'updated']);
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    if ($v['state'] === false) {
        http_response_code(404);
        echo '{"error":"not found"}';
        return;
    }
    echo json_encode(['state' => $v['state'], 'step' => (int)$v['step'], 'pct' => (int)$v['pct'],
        'headline' => $v['msg'], 'endpoint' => $v['endpoint'], 'updated' => (int)$v['updated'],
        'terminal' => $v['state'] === 'ready']);
    return;
}
if ($parts[0] === 'register' && $_SERVER['REQUEST_METHOD'] === 'POST') {
    if (!filter_var($_POST['email'] ?? '', FILTER_VALIDATE_EMAIL)) {
        http_response_code(422);
        return;
    }
    if ($redis->set("reg:$id", '1', ['nx', 'ex' => 86400 * 30])) {
        $redis->hMSet("tenant:$id", ['state' => 'registered', 'step' => 1, 'pct' => 0,
            'msg' => 'Registered', 'endpoint' => '', 'updated' => (int)(microtime(true) * 1000),
            'form' => json_encode($_POST), 'email' => $_POST['email']]);
        $redis->rPush('queue', json_encode(['tenant' => $id]));
    }
    header("Location: /s/$id", true, 303);
    return;
}
http_response_code(404);
