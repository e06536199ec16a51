/* Tables: marketplaces and their plans, deployment templates, form fields. */
#include "config/cfg_schema.h"
#include "config/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(m)    offsetof(struct OF, m)

static const char *const w_fulfilment[] = {"deployment", "account", "manual", NULL};
static const char *const w_on_end[] = {"suspend", "keep", NULL};
static const char *const w_region_policy[] = {"buyer-selected", "fixed", NULL};
static const char *const w_provider[] = {"direct", "clazar", "suger", "tackle", "labra", NULL};
static const char *const w_cloud[] = {"aws", "azure", "gcp", NULL};
static const char *const w_mode[] = {"concurrent", "legacy", NULL};
static const char *const w_pricing[] = {"usage", "contract", "contract-with-consumption", NULL};
static const char *const w_engine[] = {"process", "exec", NULL};
static const char *const w_commit[] = {"after-health", "at-registration", "manual", NULL};
static const char *const w_late_commit[] = {"alert", "reject", "commit", NULL};
static const char *const w_token_version[] = {"v2", "v1", NULL};
static const char *const w_match[] = {"person", "tenant", "any", NULL};
static const char *const w_field[] = {"text", "email", "tel", "number", "select", "checkbox", NULL};

#define OF cfg_limits
static const struct cfg_key limits_keys[] = {
    {"memory", CT_SIZE, AT(memory), .help = "Memory; more is refused or kills the program."},
    {"cpu_percent", CT_U32, AT(cpu_pct), .max = 100000, .help = "CPU time; 100 is one core."},
    {"pids", CT_U32, AT(pids), .max = 1000000, .help = "Processes and threads."},
    {"disk", CT_SIZE, AT(disk), .help = "Largest file that may be written."},
};
#undef OF
const struct cfg_section cfg_schema_limits = {
    .title = "limits",
    .help = "What one environment may use. A plan's limits win over its template's.",
    .size = sizeof(struct cfg_limits),
    .keys = limits_keys,
    .nkeys = COUNT(limits_keys),
};

#define OF cfg_deadlines
static const struct cfg_key deadlines_keys[] = {
    {"create", CT_DURATION, AT(create_ms), .dflt = "2h", .min = 1000,
     .help = "Until the engine has made the environment."},
    {"update", CT_DURATION, AT(update_ms), .dflt = "2h", .min = 1000,
     .help = "Until a change is carried out, or what is gone is made anew."},
    {"suspend", CT_DURATION, AT(suspend_ms), .dflt = "1h", .min = 1000,
     .help = "Until it is stopped."},
    {"resume", CT_DURATION, AT(resume_ms), .dflt = "1h", .min = 1000,
     .help = "Until it runs again."},
    {"delete", CT_DURATION, AT(delete_ms), .dflt = "2h", .min = 1000, .help = "Until it is gone."},
};
#undef OF
static const struct cfg_section s_deadlines = {
    .title = "deadlines",
    .help = "How long one kind of work may take altogether while the engine goes on answering that "
            "it is pending; never shorter than the template's `deadline`. Then the order is STUCK "
            "with class DEADLINE and waits for a human.",
    .size = sizeof(struct cfg_deadlines),
    .keys = deadlines_keys,
    .nkeys = COUNT(deadlines_keys),
};

#define OF cfg_plan
static const struct cfg_key plan_keys[] = {
    {"title", CT_TEXT, AT(title), .help = "Shown to the buyer. Default: the plan's name."},
    {"fulfilment", CT_ENUM, AT(fulfilment), .dflt = "deployment", .words = w_fulfilment,
     .help = "`deployment` creates an environment, `account` sends the buyer to your portal, "
             "`manual` tells your team."},
    {"deployment_template", CT_NAME, AT(deployment_template),
     .help = "Name under `deployment_templates`. Needed with `fulfilment: deployment`."},
    {"dimension", CT_TEXT, AT(dimension),
     .help = "Entitlement dimension (AWS) or plan id (Microsoft, Google) that means this plan. "
             "Default: the plan's name."},
    {"default", CT_BOOL, AT(is_default), .dflt = "false",
     .help = "The plan for orders whose dimension names none. An only plan is the default."},
    {"region_policy", CT_WORD, AT(region_policy), .words = w_region_policy, .dflt = "fixed",
     .help = "Whether the buyer chooses a region on the form."},
    {"regions", CT_REGIONS, AT(regions), .help = "Regions of the market's cloud to choose from."},
    {"billing", CT_NAME, AT(billing), .help = "Shown and exported, as in `marketplace-metered`."},
    {"network", CT_TEXT, AT(network), .help = "Handed to the engine: `private`, `public`, ..."},
    {"high_availability", CT_BOOL, AT(high_availability), .dflt = "false",
     .help = "Handed to the engine."},
    {"support_tier", CT_TEXT, AT(support_tier), .help = "Handed to the engine and exported."},
    {"grace", CT_DURATION, AT(grace_ms), .dflt = "30d",
     .help = "From the end of the contract to the deletion of the environment."},
    {"on_end", CT_ENUM, AT(on_end), .dflt = "suspend", .words = w_on_end,
     .help = "What the environment does during `grace`."},
    {"retain", CT_DURATION, AT(retain_ms), .dflt = "30d",
     .help = "How long the archive of a deleted environment is kept."},
    {"limits", CT_SECTION, AT(limits), .sub = &cfg_schema_limits, .help = "See limits."},
    {"parameters", CT_KV, AT(parameters), .count = AT(nparameters),
     .help = "Names and texts handed to the engine."},
    {"commit", CT_ENUM, AT(commit), .dflt = "after-health", .words = w_commit,
     .help =
         "When the charge may begin, where the marketplace can hold it: `after-health` of the "
         "environment, `at-registration`, or `manual` (`lastmile approve`, `lastmile reject`)."},
    {"commit_deadline", CT_DURATION, AT(commit_deadline_ms), .dflt = "0s",
     .help =
         "From the purchase: how long `commit` may wait. 0: as long as the marketplace lets it."},
    {"on_commit_deadline", CT_ENUM, AT(on_commit_deadline), .dflt = "alert", .words = w_late_commit,
     .help = "Then: `alert` your team, `reject` the purchase, or `commit` all the same."},
    {"changes", CT_KV, AT(changes), .count = AT(nchanges),
     .help =
         "How a change from this plan to another is carried out, by the other's name or `others`: "
         "`in-place` (default), `replace`, `at-renewal` or `refuse`."},
    {"account_url", CT_URL, AT(account_url),
     .help = "Where the buyer is sent with `fulfilment: account`."},
    {"manual_promise", CT_TEXT, AT(manual_promise),
     .help = "With `fulfilment: manual`: when the buyer gets access (AWS asks for it)."},
};
#undef OF
static const struct cfg_section s_plan = {
    .title = "plans",
    .help = "One entry per plan of the listing, by name: what an order of it becomes.",
    .size = sizeof(struct cfg_plan),
    .naming = CT_NAME,
    .keys = plan_keys,
    .nkeys = COUNT(plan_keys),
};

#define OF cfg_azure
static const struct cfg_key azure_settings[] = {
    {"offer_id", CT_TEXT, AT(offer_id), .help = "Offer id of Partner Center."},
    {"tenant_id", CT_TEXT, AT(tenant_id), .help = "Your Entra tenant (Technical configuration)."},
    {"client_id", CT_TEXT, AT(client_id),
     .help = "Your app registration (Technical configuration); single tenant."},
    {"client_secret_file", CT_SECRET, AT(client_secret_file), .help = "Its client secret."},
    {"certificate_file", CT_SECRET, AT(certificate_file),
     .help = "Its certificate (PEM) instead of a secret, with `key_file`."},
    {"key_file", CT_SECRET, AT(key_file), .help = "Private key of `certificate_file` (PEM)."},
    {"token_version", CT_ENUM, AT(token_version), .dflt = "v2", .words = w_token_version,
     .help = "Token endpoint to use."},
    {"sign_in_client_id", CT_TEXT, AT(sign_in_client_id),
     .help = "Multitenant app registration for the buyer's sign-in on the landing page. Microsoft "
             "certifies no offer without it."},
    {"sign_in_secret_file", CT_SECRET, AT(sign_in_secret_file), .help = "Its client secret."},
    {"sign_in_match", CT_ENUM, AT(sign_in_match), .dflt = "tenant", .words = w_match,
     .help = "Who may claim a purchase: the `person` who bought or was named, anybody of their "
             "`tenant`, or `any` signed-in buyer who holds the purchase's link."},
    {"api_endpoint", CT_URL, AT(api_endpoint), .dflt = "https://marketplaceapi.microsoft.com/api",
     .help = "SaaS fulfilment API."},
    {"login_endpoint", CT_URL, AT(login_endpoint), .dflt = "https://login.microsoftonline.com",
     .help = "Entra."},
};
#undef OF
const struct cfg_section cfg_schema_azure = {
    .title = "azure",
    .help = "What a listing with `cloud: azure` needs besides.",
    .size = sizeof(struct cfg_azure),
    .keys = azure_settings,
    .nkeys = COUNT(azure_settings),
};

#define OF cfg_gcp
static const struct cfg_key gcp_settings[] = {
    {"provider_id", CT_TEXT, AT(provider_id), .help = "Partner id of Producer Portal."},
    {"product_name", CT_TEXT, AT(product_name),
     .help = "Product of the entitlements: its service name. Needed where several products share "
             "one partner id."},
    {"audiences", CT_TEXTS, AT(audiences),
     .help = "Audiences of sign-up tokens: your product's domain, or its service name."},
    {"automatic_approval", CT_BOOL, AT(automatic_approval), .dflt = "false",
     .help = "Offers are approved by Google, as switched on in Producer Portal."},
    {"subscription", CT_TEXT, AT(subscription),
     .help = "Pub/Sub subscription to pull: `projects/P/subscriptions/S`."},
    {"push_audience", CT_TEXT, AT(push_audience),
     .help = "Audience of push messages. Without it no push is accepted."},
    {"push_account", CT_TEXT, AT(push_account), .help = "Service account that signs pushes."},
    {"credentials_file", CT_SECRET, AT(credentials_file),
     .help = "Service account key, or workload identity configuration. Default: metadata server."},
    {"token_uri", CT_URL, AT(token_uri), .help = "Instead of the one in `credentials_file`."},
    {"procurement_endpoint", CT_URL, AT(procurement_endpoint),
     .dflt = "https://cloudcommerceprocurement.googleapis.com", .help = "Procurement API."},
    {"pubsub_endpoint", CT_URL, AT(pubsub_endpoint), .dflt = "https://pubsub.googleapis.com",
     .help = "Pub/Sub."},
    {"certs_endpoint", CT_URL, AT(certs_endpoint), .dflt = "https://www.googleapis.com",
     .help = "Certificates of Google's tokens."},
    {"sts_endpoint", CT_URL, AT(sts_endpoint), .dflt = "https://sts.googleapis.com",
     .help = "Token exchange of workload identity."},
    {"iam_endpoint", CT_URL, AT(iam_endpoint), .dflt = "https://iamcredentials.googleapis.com",
     .help = "Impersonation of workload identity."},
    {"metadata_endpoint", CT_URL, AT(metadata_endpoint),
     .help = "Metadata server. Default: `GCE_METADATA_HOST`, else Google's own."},
};
#undef OF
const struct cfg_section cfg_schema_gcp = {
    .title = "gcp",
    .help = "What a listing with `cloud: gcp` needs besides.",
    .size = sizeof(struct cfg_gcp),
    .keys = gcp_settings,
    .nkeys = COUNT(gcp_settings),
};

#define OF cfg_market
static const struct cfg_key market_keys[] = {
    {"name", CT_LABEL, AT(name),
     .help = "Path segment of the landing page. Default: made of `product`, else `default`."},
    {"provider", CT_WORD, AT(provider), .dflt = "direct", .words = w_provider,
     .help = "`direct` speaks to the cloud's own marketplace."},
    {"cloud", CT_WORD, AT(cloud), .dflt = "aws", .words = w_cloud,
     .help = "The cloud that is bought on."},
    {"product", CT_TEXT, AT(product), .help = "The product's title for the buyer."},
    {"product_code", CT_TEXT, AT(product_code), .help = "AWS product code."},
    {"product_id", CT_TEXT, AT(product_id), .help = "AWS product id (`prod-...`)."},
    {"mode", CT_ENUM, AT(mode), .dflt = "concurrent", .words = w_mode,
     .help = "`concurrent`: one licence per agreement, EventBridge events. `legacy`: SNS topics."},
    {"pricing", CT_ENUM, AT(pricing), .dflt = "usage", .words = w_pricing,
     .help = "What is asked (entitlements) and sent (metering). Default on other clouds than AWS: "
             "`contract`."},
    {"region", CT_REGION, AT(region), .dflt = "us-east-1", .help = "Region of the metering API."},
    {"metering_endpoint", CT_URL, AT(metering_endpoint), .help = "Instead of AWS's own."},
    {"entitlement_endpoint", CT_URL, AT(entitlement_endpoint), .help = "Instead of AWS's own."},
    {"agreement_endpoint", CT_URL, AT(agreement_endpoint), .help = "Instead of AWS's own."},
    {"sqs_endpoint", CT_URL, AT(sqs_endpoint), .help = "Instead of AWS's own."},
    {"sts_endpoint", CT_URL, AT(sts_endpoint), .help = "Instead of AWS's own."},
    {"queue_url", CT_URL, AT(queue_url),
     .help = "SQS queue that the events arrive in. Without it only landings bring orders."},
    {"sns_topics", CT_ARNS, AT(sns_topics),
     .help = "Topics whose messages are believed (`mode: legacy`)."},
    {"sns_cert_file", CT_PATH, AT(sns_cert_file),
     .help = "Pinned SNS certificate instead of the one that AWS serves (sandbox)."},
    {"credentials_file", CT_SECRET, AT(credentials_file),
     .help = "AWS shared credentials file. Default: web identity, container, instance role."},
    {"profile", CT_NAME, AT(profile), .help = "Profile in `credentials_file`."},
    {"role_arn", CT_ARN, AT(role_arn), .help = "Role to assume before any call."},
    {"external_id", CT_TEXT, AT(external_id), .help = "External id for `role_arn`."},
    {"login_url", CT_URL, AT(login_url), .help = "For buyers who have an account already."},
    {"azure", CT_SECTION, AT(azure), .sub = &cfg_schema_azure, .help = "See azure."},
    {"gcp", CT_SECTION, AT(gcp), .sub = &cfg_schema_gcp, .help = "See gcp."},
    {"plans", CT_MAP, AT(plans), .count = AT(nplans), .sub = &s_plan, .required = true,
     .help = "See plans."},
};
#undef OF
const struct cfg_section cfg_schema_market = {
    .title = "marketplace",
    .help = "One listing. `marketplaces` takes a list of the same. Step by step, with the values "
            "of the "
            "marketplace's own pages: [AWS](aws.md), [Microsoft](azure.md), [Google](gcp.md).",
    .size = sizeof(struct cfg_market),
    .keys = market_keys,
    .nkeys = COUNT(market_keys),
};

#define OF cfg_template
static const struct cfg_key template_keys[] = {
    {"engine", CT_WORD, AT(engine), .required = true, .words = w_engine,
     .help = "`process`: a program of its own on this host. `exec`: your script creates it."},
    {"command", CT_ARGV, AT(command), .required = true,
     .help = "Program and arguments, as a list; no shell is involved."},
    {"environment", CT_ENV, AT(environment), .help = "Variables for the command."},
    {"health_path", CT_URLPATH, AT(health_path), .dflt = "/healthz",
     .help = "Answers 200 when the environment works."},
    {"health_timeout", CT_DURATION, AT(health_timeout_ms), .dflt = "60s", .min = 100,
     .help = "How long a start may take."},
    {"deadline", CT_DURATION, AT(deadline_ms), .dflt = "30m", .min = 1000,
     .help = "How long one call of the engine may take."},
    {"deadlines", CT_SECTION, AT(work), .sub = &s_deadlines, .help = "See deadlines."},
    {"drain", CT_DURATION, AT(drain_ms), .dflt = "5s",
     .help = "How long the old instance finishes its requests after an update."},
    {"limits", CT_SECTION, AT(limits), .sub = &cfg_schema_limits, .help = "See limits."},
    {"parameters", CT_KV, AT(parameters), .count = AT(nparameters),
     .help = "Names and texts handed to the engine."},
    {"endpoint", CT_PATTERN, AT(endpoint),
     .help = "Address of an environment, with {tenant}. Default: `deploy.endpoint`."},
    {"concurrency", CT_U32, AT(concurrency), .dflt = "64", .min = 1, .max = 10000,
     .help = "Operations of this template at once."},
};
#undef OF
const struct cfg_section cfg_schema_template = {
    .title = "deployment_templates",
    .help = "By name: how an environment is made. Plans refer to it.",
    .size = sizeof(struct cfg_template),
    .naming = CT_NAME,
    .keys = template_keys,
    .nkeys = COUNT(template_keys),
};

#define OF cfg_field
static const struct cfg_key field_keys[] = {
    {"name", CT_FIELD, AT(name), .required = true, .help = "Name in orders and exports."},
    {"label", CT_TEXT, AT(label), .required = true, .help = "Shown above the field."},
    {"hint", CT_TEXT, AT(hint), .help = "Shown below the label."},
    {"type", CT_ENUM, AT(type), .dflt = "text", .words = w_field, .help = "Kind of field."},
    {"autocomplete", CT_NAME, AT(autocomplete), .help = "HTML autocomplete word."},
    {"required", CT_BOOL, AT(required), .dflt = "false", .help = "Must be filled in."},
    {"min", CT_U32, AT(min), .dflt = "0", .help = "Least length, or value of a number."},
    {"max", CT_U32, AT(max), .dflt = "0",
     .help = "Greatest length, or value of a number. 0: 200 characters, or no limit."},
    {"options", CT_TEXTS, AT(options), .help = "Choices of a select."},
    {"plans", CT_NAMES, AT(plans), .help = "Asked for these plans only. Default: all."},
};
#undef OF
const struct cfg_section cfg_schema_field = {
    .title = "fields",
    .help = "A list of further fields of the registration form. Mail is always asked.",
    .size = sizeof(struct cfg_field),
    .keys = field_keys,
    .nkeys = COUNT(field_keys),
};
