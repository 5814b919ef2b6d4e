//! How requests prove who sends them: keys looked up where the provider's row says, as headers, and signatures.

mod aws;

use std::time::SystemTime;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use undersight_core::ModelName;

use self::aws::{ACCESS_KEY, SECRET_KEY, Signer};
use crate::connect::ConnectError;
use crate::providers::table::{Auth, KeyNeed, Target};
use crate::secret::ApiKey;
use crate::transport::is_local;

/// Bedrock's own name of a bearer key.
const BEDROCK_KEY: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// What a request is authorised with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    key: Option<ApiKey>,
    headers: HeaderMap,
    signer: Option<Signer>,
}

/// Looks a variable up.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Credentials {
    /// Looks them up. `own` says that the requests go to the provider's own address.
    ///
    /// # Errors
    /// When there are none and some are needed, or they cannot be sent.
    pub(crate) fn find(
        model: &ModelName,
        target: &Target,
        base: &Url,
        own: bool,
        env: Env<'_>,
    ) -> Result<Self, ConnectError> {
        let aws = target.row.auth == Auth::Aws;
        let vars = target.key_vars.iter().map(String::as_str);
        let key = aws.then_some(BEDROCK_KEY).into_iter().chain(vars).find_map(|var| key(var, env));
        let Some(key) = key.transpose()? else {
            let signer = if aws { Signer::find(model, base, env) } else { Ok(None) };
            let free = target.row.key == KeyNeed::Optional || is_local(base) || base.password().is_some();
            return match signer {
                Ok(None) | Err(ConnectError::NoRegion { .. }) if free => Ok(Self::default()),
                Ok(None) => Err(ConnectError::NoKey {
                    model: model.clone(),
                    var: if aws {
                        format!("{BEDROCK_KEY}, or {ACCESS_KEY} and {SECRET_KEY}")
                    } else {
                        target.key_var().to_owned()
                    },
                }),
                Ok(signer) => Ok(Self { signer, ..Self::default() }),
                Err(error) => Err(error),
            };
        };
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, value: Option<HeaderValue>| {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        };
        match target.row.auth {
            Auth::Bearer | Auth::Aws => add(AUTHORIZATION, key.bearer()),
            Auth::Header(name) => {
                add(HeaderName::from_static(name), key.plain());
                // A provider without one address for all is always at one that somebody gave.
                if !own && target.row.base_url.is_some() {
                    add(AUTHORIZATION, key.bearer());
                }
            }
        }
        Ok(Self { key: Some(key), headers, signer: None })
    }

    /// The key, to be taken out of whatever comes back.
    pub(crate) const fn key(&self) -> Option<&ApiKey> {
        self.key.as_ref()
    }

    /// What else is to be taken out.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.signer.iter().flat_map(Signer::secrets).map(|key| key.expose().to_owned()).collect()
    }

    /// Sent with every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// Signs one request, where signatures are what the provider wants.
    pub(crate) fn sign(&self, request: &mut reqwest::Request, body: &[u8]) -> Result<(), String> {
        match &self.signer {
            Some(signer) => signer.sign(request, body, SystemTime::now()),
            None => Ok(()),
        }
    }
}

/// The key in a variable, if there is anything in it.
fn key(var: &str, env: Env<'_>) -> Option<Result<ApiKey, ConnectError>> {
    let text = env(var).filter(|text| !text.trim().is_empty())?;
    Some(ApiKey::parse(&text).map_err(|error| ConnectError::BadKey { var: var.to_owned(), error }))
}
