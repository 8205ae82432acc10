/**
 * Secrets that are known by how they look, wherever they stand: name and expression, in the flavour of rules. The whole of what is found is redacted.
 * The makers' own pages, and the rules of secret scanners (gitleaks, detect-secrets), say how long each is; the lower bounds here are the shortest that was ever given out. Beginnings that nothing else
 * has are found within a word too: two tokens can follow each other.
 */
export const SHAPES: Readonly<Record<string, string>> = {
  private_key: '-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----(?:-{0,4}[^-])*(?:-----END [A-Z0-9 ]{0,40}-----)?',
  aws: '(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}',
  github: '(?:(?:gho_|ghp_|ghr_|ghs_|ghu_)[A-Za-z0-9]{36}[A-Za-z0-9]*|github_pat_[A-Za-z0-9_]{40}[A-Za-z0-9_]*)',
  gitlab: '(?:glpat|glptt|gldt|glrt|glcbt|glft|glimt|glagent|gloas|glsoat|glffct)-[A-Za-z0-9_.-]{20}[A-Za-z0-9_.-]*',
  slack: '(?:xox[abceoprs]|xapp)-[A-Za-z0-9-]{10}[A-Za-z0-9-]*',
  slack_webhook: 'hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20}[A-Za-z0-9/]*',
  jwt: 'eyJ[A-Za-z0-9_-]{8}[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]{8}[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]*',
  stripe: '\\b(?:(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10}[A-Za-z0-9]*|whsec_[A-Za-z0-9+/=]{24}[A-Za-z0-9+/=]*)',
  google: '(?:AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|ya29\\.[A-Za-z0-9_-]{20}[A-Za-z0-9_.-]*)',
  npm: 'npm_[A-Za-z0-9]{36}',
  pypi: 'pypi-AgE[A-Za-z0-9_-]{50}[A-Za-z0-9_-]*',
  ai: '\\bsk-(?:ant|proj|svcacct|admin|or)-[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*',
  openai: '\\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}',
  sendgrid: '\\bSG\\.[A-Za-z0-9_-]{16,24}\\.[A-Za-z0-9_-]{40,50}',
  vault: 'hv[bsr]\\.[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*',
  digitalocean: 'do[opr]_v1_[a-f0-9]{64}',
  docker: 'dckr_[op]at_[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*',
  terraform: '\\b[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{40}[A-Za-z0-9_=-]*',
  huggingface: '\\bhf_[A-Za-z0-9]{30}[A-Za-z0-9]*',
  shopify: 'shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}',
  databricks: '\\bdapi[a-f0-9]{32}',
  atlassian: 'ATATT3[A-Za-z0-9_=-]{60}[A-Za-z0-9_=-]*',
  grafana: 'gl(?:c|sa)_[A-Za-z0-9+/=_]{32}[A-Za-z0-9+/=_]*',
  tailscale: 'tskey-[a-z]{2,12}-[A-Za-z0-9]{8}[A-Za-z0-9-]*',
  new_relic: 'NRAK-[A-Z0-9]{27}',
  linear: 'lin_(?:api|oauth)_[A-Za-z0-9]{32}[A-Za-z0-9]*',
  telegram: '\\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}',
  // `SK` alone is in too many words: each line with one would be looked at closely.
  twilio: `\\b(?:${[...'0123456789abcdef'].map((digit) => `SK${digit}`).join('|')})[0-9a-f]{31}\\b`,
  age: 'AGE-SECRET-KEY-1[A-Z0-9]{58}',
};
