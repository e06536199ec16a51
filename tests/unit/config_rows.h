/* Rows of test_config: a piece of YAML and every complaint about it. */
#ifndef LM_CONFIG_ROWS_H
#define LM_CONFIG_ROWS_H

#include <stddef.h>

enum config_frame {
    ROW_ALONE,  /* the text is the whole file */
    ROW_AFTER,  /* three lines with a template "small" stand before it */
    ROW_BEFORE, /* and three more with a marketplace: the text begins in line 7 */
};

struct config_row {
    enum config_frame frame;
    const char *yaml;
    const char *errors;
};

static const struct config_row config_rows[] = {
    {ROW_ALONE, "", "f:1:1: the file is empty\n"},
    {ROW_ALONE, "- a\n", "f:1:1: a configuration is a map of keys, found a list\n"},
    {ROW_ALONE, "just text\n", "f:1:1: a configuration is a map of keys, found text\n"},
    {ROW_ALONE, "a: [1\n",
     "f:2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence\n"},
    {ROW_ALONE, "a:\n\t- b\n",
     "f:2:1: not YAML: found character that cannot start any token while scanning for the next "
     "token\n"},
    {ROW_ALONE, "a: \"\\z\"\n",
     "f:1:5: not YAML: found unknown escape character while parsing a quoted scalar\n"},
    {ROW_ALONE, "? [a]\n: b\n", "f:1:3: a key must be text\n"},
    {ROW_ALONE, "%YAML 1.1\n---\nlog_level: info\n",
     "f:1:1: % directives are not supported\n"
     "f:3:1: 'marketplace' is missing\n"},
    {ROW_ALONE, "log_level: info\n", "f:1:1: 'marketplace' is missing\n"},
    {ROW_ALONE, "a: [[[[[[[[[[[[[[1]]]]]]]]]]]]]]\n", "f:1:15: nested too deeply\n"},
    {ROW_BEFORE, "log_level: info\n---\nlog_level: info\n",
     "f:8:1: a second document begins here; a configuration is one\n"},
    {ROW_BEFORE, "log_level: info\nlog_level: warn\n",
     "f:8:1: duplicate key 'log_level'; first given in line 7\n"},
    {ROW_BEFORE, "log_level: &x info\n",
     "f:7:12: anchors (&x) are not supported; write the value out\n"},
    {ROW_BEFORE, "log_level: !!str info\n",
     "f:7:12: tags (tag:yaml.org,2002:str) are not supported; the key decides the type\n"},
    {ROW_BEFORE, "branding: {seller: &s Acme, next_steps: *s}\n",
     "f:7:20: anchors (&s) are not supported; write the value out\n"
     "f:7:41: aliases (*s) are not supported; write the value out\n"},
    {ROW_BEFORE, "branding: !brand {seller: Acme}\n",
     "f:7:11: tags (!brand) are not supported; the key decides the type\n"},
    {ROW_BEFORE, "<<: {log_level: info}\n", "f:7:1: unknown key '<<'\n"},
    {ROW_BEFORE, "log-level: info\n",
     "f:7:1: unknown key 'log-level'; did you mean 'log_level'?\n"},
    {ROW_BEFORE, "redsi: {}\n", "f:7:1: unknown key 'redsi'; did you mean 'redis'?\n"},
    {ROW_BEFORE, "zzz: 1\n", "f:7:1: unknown key 'zzz'\n"},
    {ROW_BEFORE, "redis: {sokcet: /x}\n",
     "f:7:9: redis: unknown key 'sokcet'; did you mean 'socket'?\n"},
    {ROW_BEFORE, "redis: {Shards: 2}\n",
     "f:7:9: redis: unknown key 'Shards'; did you mean 'shards'?\n"},
    {ROW_BEFORE, "log_level: verbose\n",
     "f:7:12: log_level: 'verbose' is not one of debug, info, warn, error\n"},
    {ROW_BEFORE, "log_level: warning\n",
     "f:7:12: log_level: 'warning' is not one of debug, info, warn, error; did you mean 'warn'?\n"},
    {ROW_BEFORE, "log_level:\n", "f:7:11: log_level: expected text, found nothing\n"},
    {ROW_BEFORE, "log_level: ~\n", "f:7:12: log_level: expected text, found nothing\n"},
    {ROW_BEFORE, "log_level: [info]\n", "f:7:12: log_level: expected text, found a list\n"},
    {ROW_BEFORE, "redis: text\n", "f:7:8: redis: expected a map, found text\n"},
    {ROW_BEFORE, "redis:\n", "f:7:7: redis: expected a map, found nothing\n"},
    {ROW_BEFORE, "fields: {a: b}\n", "f:7:9: fields: expected a list, found a map\n"},
    {ROW_BEFORE, "redis: {shards: two}\n", "f:7:17: redis.shards: 'two' is not a whole number\n"},
    {ROW_BEFORE, "redis: {shards: \"2\"}\n",
     "f:7:17: redis.shards: expected a number, found quoted text; leave the quotes out\n"},
    {ROW_BEFORE, "redis: {shards: 0}\n", "f:7:17: redis.shards: '0' is out of range: 1 to 256\n"},
    {ROW_BEFORE, "redis: {shards: 257}\n",
     "f:7:17: redis.shards: '257' is out of range: 1 to 256\n"},
    {ROW_BEFORE, "redis: {shards: -1}\n", "f:7:17: redis.shards: '-1' is not a whole number\n"},
    {ROW_BEFORE, "redis: {shards: 99999999999999999999}\n",
     "f:7:17: redis.shards: '99999999999999999999' is too large\n"},
    {ROW_BEFORE, "redis: {host: h, port: 65536}\n",
     "f:7:24: redis.port: '65536' is out of range: 1 to 65535\n"},
    {ROW_BEFORE, "redis: {socket: redis.sock}\n",
     "f:7:17: redis.socket: 'redis.sock' is not an absolute path\n"},
    {ROW_BEFORE, "redis: {password_file: secrets/p}\n",
     "f:7:24: redis.password_file: 'secrets/p' is not an absolute path\n"},
    {ROW_BEFORE, "redis: {password_file: /etc/../p}\n",
     "f:7:24: redis.password_file: '/etc/../p' holds '..'; write the path out\n"},
    {ROW_BEFORE, "redis: {password_file: '..'}\n",
     "f:7:24: redis.password_file: '..' is neither an absolute path nor the name of a "
     "credential\n"},
    {ROW_BEFORE, "redis: {password_file: '-p'}\n",
     "f:7:24: redis.password_file: '-p' is neither an absolute path nor the name of a "
     "credential\n"},
    {ROW_BEFORE, "redis: {socket: /a/../b}\n",
     "f:7:17: redis.socket: '/a/../b' holds '..'; write the path out\n"},
    {ROW_BEFORE, "redis: {socket: /a, host: b}\n",
     "f:7:27: redis: both socket and host; one of them\n"},
    {ROW_BEFORE, "redis: {port: 6380}\n", "f:7:15: redis: a port without host\n"},
    {ROW_BEFORE, "redis: {command_timeout: 5}\n",
     "f:7:26: redis.command_timeout: '5' is not a duration; write a number and a unit, as in "
     "250ms, 5s, 10m, 12h, 30d\n"},
    {ROW_BEFORE, "redis: {command_timeout: 5 s}\n",
     "f:7:26: redis.command_timeout: '5 s' is not a duration; write a number and a unit, as in "
     "250ms, 5s, 10m, 12h, 30d\n"},
    {ROW_BEFORE, "redis: {command_timeout: 2h}\n",
     "f:7:26: redis.command_timeout: '2h' is out of range: 1 to 60000 ms\n"},
    {ROW_BEFORE, "redis: {wait: 99999999999999999999d}\n",
     "f:7:15: redis.wait: '99999999999999999999d' is not a duration; write a number and a unit, as "
     "in 250ms, 5s, 10m, 12h, 30d\n"},
    {ROW_BEFORE, "redis: {wait: 4000d}\n",
     "f:7:15: redis.wait: '4000d' is out of range: 0 to 316224000000 ms\n"},
    {ROW_BEFORE, "front: {sandbox: yes}\n", "f:7:18: front.sandbox: 'yes' is not true or false\n"},
    {ROW_BEFORE, "front: {sandbox: \"true\"}\n",
     "f:7:18: front.sandbox: expected true or false, found quoted text; leave the quotes out\n"},
    {ROW_BEFORE, "front: {sandbox: True}\n",
     "f:7:18: front.sandbox: 'True' is not true or false\n"},
    {ROW_BEFORE, "front: {public_url: https://x.example/}\n",
     "f:7:21: front.public_url: 'https://x.example/' has a path or a slash at the end; write "
     "scheme, host and port only\n"},
    {ROW_BEFORE, "front: {public_url: http://x.example}\n",
     "f:7:21: front.public_url: 'http://x.example' must be https; plain http is accepted on "
     "loopback only\n"},
    {ROW_BEFORE, "front: {public_url: https://u:p@x.example}\n",
     "f:7:21: front.public_url: 'https://u:p@x.example' holds a user name; credentials do not "
     "belong into a URL\n"},
    {ROW_BEFORE, "front: {public_url: \"https://x.example:0\"}\n",
     "f:7:21: front.public_url: 'https://x.example:0' has no valid host and port\n"},
    {ROW_BEFORE, "front: {public_url: x.example}\n",
     "f:7:21: front.public_url: 'x.example' is not a URL; it looks like https://host/path\n"},
    {ROW_BEFORE, "front: {public_url: ftp://x.example}\n",
     "f:7:21: front.public_url: 'ftp://x.example' is not an https URL\n"},
    {ROW_BEFORE, "front: {base: marketplace}\n",
     "f:7:15: front.base: 'marketplace' is not a base path; it looks like /marketplace\n"},
    {ROW_BEFORE, "front: {base: /a/}\n",
     "f:7:15: front.base: '/a/' is not a base path; it looks like /marketplace\n"},
    {ROW_BEFORE, "front: {base: /a//b}\n",
     "f:7:15: front.base: '/a//b' is not a base path; it looks like /marketplace\n"},
    {ROW_BEFORE, "front: {mode: 0999}\n",
     "f:7:15: front.mode: '0999' is not a file mode; write octal digits, as in 0660\n"},
    {ROW_BEFORE, "front: {listen: \"0.0.0.0:9000\"}\n",
     "f:7:17: front.listen: '0.0.0.0:9000' is neither an absolute path nor a loopback address with "
     "port\n"},
    {ROW_BEFORE, "front: {listen: \"127.0.0.1\"}\n",
     "f:7:17: front.listen: '127.0.0.1' is neither an absolute path nor a loopback address with "
     "port\n"},
    {ROW_BEFORE, "front: {transport: record}\n",
     "f:7:20: front.transport: 'record' is not one of records, fcgi2, cgi; did you mean "
     "'records'?\n"},
    {ROW_BEFORE, "deployment_templates: {}\n",
     "f:7:1: duplicate key 'deployment_templates'; first given in line 2\n"},
    {ROW_BEFORE, "worker: {lease: 10ms}\n",
     "f:7:17: worker.lease: '10ms' is out of range: 1000 to 600000 ms\n"},
    {ROW_BEFORE, "branding: {color: blue}\n",
     "f:7:19: branding.color: 'blue' is not a colour; write #rrggbb\n"},
    {ROW_BEFORE, "branding: {color: \"#777777\"}\n",
     "f:7:19: branding.color: text on '#777777' cannot be read: contrast 4.48:1 with white, 4.22:1 "
     "with dark text; 4.5:1 is needed\n"},
    {ROW_BEFORE, "branding: {color: \"#7b7b7b\"}\n",
     "f:7:19: branding.color: text on '#7b7b7b' cannot be read: contrast 4.23:1 with white, 4.46:1 "
     "with dark text; 4.5:1 is needed\n"},
    {ROW_BEFORE, "branding: {support_email: a.example}\n",
     "f:7:27: branding.support_email: 'a.example' is not a mail address\n"},
    {ROW_BEFORE, "branding: {support_email: \"a@b@c\"}\n",
     "f:7:27: branding.support_email: 'a@b@c' is not a mail address\n"},
    {ROW_BEFORE, "branding: {seller: \"a\\u202eb\"}\n",
     "f:7:20: branding.seller: 'a???b' holds control characters\n"},
    {ROW_BEFORE, "branding: {seller: \"a\\0b\"}\n",
     "f:7:20: branding.seller: 'a?b' holds control characters\n"},
    {ROW_BEFORE, "branding: {seller: \"\"}\n", "f:7:20: branding.seller: '' is empty\n"},
    {ROW_BEFORE, "branding: {terms_url: \"https://x.example/#a\"}\n",
     "f:7:23: branding.terms_url: 'https://x.example/#a' has a fragment (#), which is never "
     "sent\n"},
    {ROW_BEFORE, "notifications: {smtp_url: smtp://x.example}\n",
     "f:7:27: notifications: 'from' is needed with smtp_url\n"},
    {ROW_BEFORE, "notifications: {smtp_url: \"smtp://u@x.example\", from: a@b}\n",
     "f:7:27: notifications.smtp_url: 'smtp://u@x.example' holds a user name; use smtp_user and "
     "smtp_password_file\n"},
    {ROW_BEFORE, "notifications: {smtp_url: http://x.example, from: a@b}\n",
     "f:7:27: notifications.smtp_url: 'http://x.example' is not a mail server; write "
     "smtp://host:port or smtps://host\n"},
    {ROW_BEFORE, "notifications: {alert_to: a@b}\n",
     "f:7:27: notifications: 'smtp_url' is needed with alert_to\n"},
    {ROW_BEFORE, "notifications: {smtp_url: \"smtp://h:25\", from: \"Acme a@b>\"}\n",
     "f:7:48: notifications.from: 'Acme a@b>' is not a mail address\n"},
    {ROW_BEFORE,
     "notifications: {smtp_url: \"smtp://h:25\", from: \"Acme <a b@c>\", smtp_user: u}\n",
     "f:7:48: notifications.from: 'Acme <a b@c>' is not a mail address\n"
     "f:7:75: notifications: 'smtp_password_file' is needed with smtp_user\n"},
    {ROW_BEFORE, "fields: [{label: X}]\n", "f:7:10: fields[0]: 'name' is missing\n"},
    {ROW_BEFORE, "fields: [{name: Company, label: X}]\n",
     "f:7:17: fields[0].name: 'Company' is not a field name; use a-z first, then a-z, 0-9, _ (at "
     "most 32)\n"},
    {ROW_BEFORE, "fields: [{name: email, label: X}]\n",
     "f:7:17: field email: it is always asked; leave it out\n"},
    {ROW_BEFORE, "fields: [{name: a, label: X}, {name: a, label: Y}]\n",
     "f:7:38: field a: it is there already\n"},
    {ROW_BEFORE, "fields: [{name: a, label: X, type: select}]\n",
     "f:7:36: field a: a select needs options\n"},
    {ROW_BEFORE, "fields: [{name: a, label: X, options: [b]}]\n",
     "f:7:39: field a: options have a meaning with type: select only\n"},
    {ROW_BEFORE, "fields: [{name: a, label: X, type: select, options: [b, b]}]\n",
     "f:7:57: fields[0].options: 'b' is listed twice\n"},
    {ROW_BEFORE, "fields: [{name: a, label: X, type: dropdown}]\n",
     "f:7:36: fields[0].type: 'dropdown' is not one of text, email, tel, number, select, "
     "checkbox\n"},
    {ROW_BEFORE, "fields: [{name: a, label: X, min: 5, max: 4}]\n",
     "f:7:35: field a: min 5 is above max 4\n"},
    {ROW_BEFORE, "fields: [{name: a, label: X, plans: [b]}]\n",
     "f:7:38: field a: no listing has a plan 'b'\n"},
    {ROW_BEFORE, "fields: [text]\n", "f:7:10: fields[0]: expected a map, found text\n"},
    {ROW_BEFORE, "marketplaces: []\n",
     "f:7:1: both marketplace and marketplaces; put all listings into marketplaces\n"},
    {ROW_AFTER, "marketplaces: []\n",
     "f:4:15: marketplaces is empty; there must be one at least\n"},
    {ROW_AFTER, "marketplace: {}\n", "f:4:14: marketplace: 'plans' is missing\n"},
    {ROW_AFTER, "marketplace: {plans: {}}\n",
     "f:4:22: there is no plan; a listing has at least one\n"},
    {ROW_AFTER, "marketplace: {plans: [a]}\n",
     "f:4:22: marketplace.plans: expected a map, found a list\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {}}}\n",
     "f:4:23: plan a: 'deployment_template' is missing (or set fulfilment: account or manual)\n"},
    {ROW_AFTER, "marketplace: {plans: {a: }}\n",
     "f:4:26: marketplace.plans.a: expected a map, found nothing\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {deployment_template: smal}}}\n",
     "f:4:48: plan a: there is no deployment template 'smal'; did you mean 'small'? (defined: "
     "small)\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {deployment_template: zz}}}\n",
     "f:4:48: plan a: there is no deployment template 'zz' (defined: small)\n"},
    {ROW_AFTER, "marketplace: {plans: {\"a b\": {deployment_template: small}}}\n",
     "f:4:23: marketplace.plans: 'a b' is not a name; use letters, digits, - _ . (at most 64)\n"},
    {ROW_AFTER, "marketplace: {plan: {a: {deployment_template: small}}}\n",
     "f:4:14: marketplace: 'plans' is missing\n"
     "f:4:15: marketplace: unknown key 'plan'; did you mean 'plans'?\n"},
    {ROW_AFTER, "marketplace: {provider: clazzar, plans: {a: {deployment_template: small}}}\n",
     "f:4:25: marketplace.provider: 'clazzar' is not one of direct, clazar, suger, tackle, labra; "
     "did you mean 'clazar'?\n"},
    {ROW_AFTER, "marketplace: {cloud: AWS, plans: {a: {deployment_template: small}}}\n",
     "f:4:22: marketplace.cloud: 'AWS' is not one of aws, azure, gcp; did you mean 'aws'?\n"},
    {ROW_AFTER, "marketplace: {azure: {offer_id: a}, plans: {a: {deployment_template: small}}}\n",
     "f:4:22: azure has a meaning with cloud: azure only\n"},
    {ROW_AFTER,
     "marketplace: {cloud: azure, azure: {offer_id: a-preview, tenant_id: Common, key_file: /k}, "
     "plans: {a: {deployment_template: small}}}\n",
     "f:4:47: azure: leave '-preview' out of the offer id; purchases of the preview are served as "
     "test purchases of the offer\n"
     "f:4:69: azure: tenant_id 'Common' is not one tenant; it looks like "
     "72f988bf-86f1-41af-91ab-2d7cd011db47\n"
     "f:4:87: azure: key_file has a meaning with certificate_file only\n"},
    {ROW_AFTER,
     "marketplace: {cloud: azure, azure: {client_secret_file: /s, certificate_file: /c, "
     "sign_in_match: any}, plans: {a: {deployment_template: small}}}\n",
     "f:4:79: azure: client_secret_file and certificate_file; one of them is enough\n"
     "f:4:79: azure: certificate_file needs its key_file\n"
     "f:4:98: azure: sign_in_match has a meaning with sign_in_client_id only\n"},
    {ROW_AFTER, "marketplace: {gcp: {provider_id: a}, plans: {a: {deployment_template: small}}}\n",
     "f:4:20: gcp has a meaning with cloud: gcp only\n"},
    {ROW_AFTER,
     "marketplace: {cloud: gcp, queue_url: 'https://x/', credentials_file: /k, gcp: {provider_id: "
     "providers/a},\n  plans: {a: {deployment_template: small}}}\n",
     "f:4:38: queue_url has no meaning with cloud: gcp; use gcp.subscription\n"
     "f:4:70: credentials_file has no meaning with cloud: gcp; use gcp.credentials_file\n"
     "f:4:93: gcp: provider_id 'providers/a' is not a partner id; it looks like acme-public\n"},
    {ROW_AFTER,
     "marketplace: {cloud: gcp, gcp: {subscription: 'projects/p/topics/s', push_audience: a, "
     "token_uri: 'https://x/'},\n  plans: {a: {deployment_template: small}}}\n",
     "f:4:47: gcp: 'projects/p/topics/s' is not a subscription; it looks like "
     "projects/acme-public/subscriptions/lastmile\n"
     "f:4:85: gcp: push_audience needs push_account: any Google account could push otherwise\n"
     "f:4:99: gcp: token_uri has a meaning with credentials_file only\n"},
    {ROW_AFTER,
     "marketplace: {cloud: gcp, gcp: {push_account: me, automatic_approval: true},\n"
     "  plans: {a: {deployment_template: small, commit: manual}}}\n",
     "f:4:47: gcp: push_account has a meaning with push_audience only\n"
     "f:4:47: gcp: push_account 'me' is not a service account; it looks like "
     "push@acme-public.iam.gserviceaccount.com\n"
     "f:5:51: plan a: commit: manual, but gcp.automatic_approval leaves nothing to approve\n"},
    {ROW_AFTER,
     "marketplaces:\n"
     "- {name: a, cloud: gcp, gcp: {provider_id: p, product_name: x}, plans: {a: "
     "{deployment_template: small}}}\n"
     "- {name: b, cloud: gcp, gcp: {provider_id: p}, plans: {a: {deployment_template: small}}}\n",
     "f:6:44: gcp: provider 'p' has several listings here; give each its product_name\n"},
    {ROW_AFTER, "marketplace: {name: A_B, plans: {a: {deployment_template: small}}}\n",
     "f:4:21: marketplace.name: 'A_B' is not a label; use a-z, 0-9 and - inside (at most 40)\n"},
    {ROW_AFTER, "marketplace: {pricing: metered, plans: {a: {deployment_template: small}}}\n",
     "f:4:24: marketplace.pricing: 'metered' is not one of usage, contract, "
     "contract-with-consumption\n"},
    {ROW_AFTER,
     "marketplace: {metering_endpoint: http://10.0.0.1/, plans: {a: {deployment_template: "
     "small}}}\n",
     "f:4:34: marketplace.metering_endpoint: 'http://10.0.0.1/' must be https; plain http is "
     "accepted on loopback only\n"},
    {ROW_AFTER, "marketplace: {role_arn: admin, plans: {a: {deployment_template: small}}}\n",
     "f:4:25: marketplace.role_arn: 'admin' is not an ARN; it begins with arn:aws\n"},
    {ROW_AFTER,
     "marketplace: {external_id: x, profile: y, plans: {a: {deployment_template: small}}}\n",
     "f:4:28: external_id has a meaning with role_arn only\n"
     "f:4:40: profile has a meaning with credentials_file only\n"},
    {ROW_AFTER,
     "marketplace: {sns_topics: [\"arn:aws:sns:us-east-1:1:t\"], plans: {a: {deployment_template: "
     "small}}}\n",
     "f:4:27: sns_topics has a meaning with mode: legacy only\n"},
    {ROW_AFTER,
     "marketplace: {mode: legacy, queue_url: \"https://q.example/1/q\", plans: {a: "
     "{deployment_template: small}}}\n",
     "f:4:40: mode: legacy needs sns_topics: without the list of topics no message of the queue "
     "can be believed\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {fulfilment: account}}}\n",
     "f:4:39: plan a: 'account_url' is needed with fulfilment: account\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {fulfilment: manual}}}\n",
     "f:4:39: plan a: 'manual_promise' is needed with fulfilment: manual\n"},
    {ROW_AFTER,
     "marketplace: {plans: {a: {deployment_template: small, account_url: https://x.example}}}\n",
     "f:4:68: plan a: 'account_url' has a meaning with fulfilment: account only\n"},
    {ROW_AFTER,
     "marketplace:\n  plans:\n    a: {deployment_template: small, default: true}\n    b: "
     "{deployment_template: small, default: true}\n",
     "f:7:46: plan b: plan a is the default already; only one can be\n"},
    {ROW_AFTER,
     "marketplace:\n  plans:\n    a: {deployment_template: small, dimension: d}\n    b: "
     "{deployment_template: small, dimension: d}\n",
     "f:7:48: plan b: plan a means dimension 'd' already\n"},
    {ROW_AFTER,
     "marketplace: {plans: {a: {deployment_template: small, regions: [us-east-1, us-east-1], "
     "region_policy: buyer-selected}}}\n",
     "f:4:76: marketplace.plans.a.regions: 'us-east-1' is listed twice\n"},
    {ROW_AFTER,
     "marketplace: {plans: {a: {deployment_template: small, regions: [us-east-1, eu-west-1]}}}\n",
     "f:4:64: plan a: 2 regions with region_policy: fixed; name one, or let the buyer choose with "
     "region_policy: buyer-selected\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {deployment_template: small, regions: [westeurope]}}}\n",
     "f:4:65: plan a: 'westeurope' is not a region of aws; it looks like us-east-1\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {deployment_template: small, regions: [US]}}}\n",
     "f:4:65: marketplace.plans.a.regions: 'US' is not a region; it looks like us-east-1\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {deployment_template: small, limits: {memory: 256}}}}\n",
     "f:4:72: marketplace.plans.a.limits.memory: '256' is not a size; write a number and a unit, "
     "as in 64K, 256M, 1G, 2T\n"},
    {ROW_AFTER,
     "marketplace: {plans: {a: {deployment_template: small, limits: {memory: 256MB, cpus: 1}}}}\n",
     "f:4:72: marketplace.plans.a.limits.memory: '256MB' is not a size; write a number and a unit, "
     "as in 64K, 256M, 1G, 2T\n"
     "f:4:79: marketplace.plans.a.limits: unknown key 'cpus'\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {deployment_template: small, high_availability: on}}}\n",
     "f:4:74: marketplace.plans.a.high_availability: 'on' is not true or false\n"},
    {ROW_AFTER, "marketplace: {plans: {a: {deployment_template: small, parameters: {k: [1]}}}}\n",
     "f:4:71: marketplace.plans.a.parameters.k: expected text, found a list\n"},
    {ROW_AFTER,
     "marketplace: {plans: {a: {deployment_template: small, parameters: {\"k=\": v}}}}\n",
     "f:4:68: marketplace.plans.a.parameters: 'k=' is not a name; use letters, digits, - _ . (at "
     "most 64)\n"},
    {ROW_AFTER,
     "marketplaces:\n- {plans: {a: {deployment_template: small}}}\n- {plans: {a: "
     "{deployment_template: small}}}\n",
     "f:6:3: aws/default is taken by marketplaces[0]; give each its own name\n"},
    {ROW_AFTER,
     "marketplaces:\n- {name: a, product_code: p, plans: {a: {deployment_template: small}}}\n- "
     "{name: b, product_code: p, plans: {a: {deployment_template: small}}}\n",
     "f:6:27: product code 'p' is that of marketplaces[0] already\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {}\n",
     "f:3:6: deployment_templates.t: 'engine' is missing\n"
     "f:3:6: deployment_templates.t: 'command' is missing\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: docker, command: [/x]}\n",
     "f:3:15: deployment_templates.t.engine: 'docker' is not one of process, exec\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: proces, command: [/x]}\n",
     "f:3:15: deployment_templates.t.engine: 'proces' is not one of process, exec; did you mean "
     "'process'?\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: process, command: [/x]}\n",
     "f:3:15: template t: where will its environments be reached? Set deploy.endpoint or the "
     "template's endpoint, with {tenant}\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: /x}\n",
     "f:3:30: deployment_templates.t.command: expected a list, found text\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [x]}\n",
     "f:3:31: deployment_templates.t.command: 'x' is not an absolute path; the program is named in "
     "full\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: []}\n",
     "f:3:30: deployment_templates.t.command: the list is empty\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [/x, [y]]}\n",
     "f:3:35: deployment_templates.t.command: expected text, found a list\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [/x], environment: {\"A-B\": "
     "c}}\n",
     "f:3:50: deployment_templates.t.environment: 'A-B' is not the name of an environment "
     "variable\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [/x], environment: {A: "
     "\"b\\nc\"}}\n",
     "f:3:53: deployment_templates.t.environment.A: 'b?c' holds control characters\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [/x], endpoint: "
     "\"https://x.example/\"}\n",
     "f:3:46: deployment_templates.t.endpoint: 'https://x.example/' does not hold {tenant}, so "
     "every tenant would get the same address\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [/x], health_path: healthz}\n",
     "f:3:49: deployment_templates.t.health_path: 'healthz' is not a URL path; it begins with / "
     "and has no spaces\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [/x], health_timeout: 1h}\n",
     "f:3:52: template t: health_timeout is not shorter than deadline\n"},
    {ROW_ALONE,
     "marketplace: {plans: {a: {fulfilment: manual, manual_promise: "
     "soon}}}\ndeployment_templates:\n  t: {engine: exec, command: [/x], concurrency: 0}\n",
     "f:3:49: deployment_templates.t.concurrency: '0' is out of range: 1 to 10000\n"},
    {ROW_BEFORE, "redis: {sokcet: /x, shards: many, wait: long}\nfront: {sandbox: no}\nzzz: 1\n",
     "f:7:9: redis: unknown key 'sokcet'; did you mean 'socket'?\n"
     "f:7:29: redis.shards: 'many' is not a whole number\n"
     "f:7:41: redis.wait: 'long' is not a duration; write a number and a unit, as in 250ms, 5s, "
     "10m, 12h, 30d\n"
     "f:8:18: front.sandbox: 'no' is not true or false\n"
     "f:9:1: unknown key 'zzz'\n"},
};
static const size_t config_rows_count = sizeof(config_rows) / sizeof(config_rows[0]);

#endif
