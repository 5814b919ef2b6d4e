//! Amazon's signatures, version 4: what a request is signed with, and its headers once it is.

use std::time::SystemTime;

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use undersight_core::ModelName;

use super::{Env, key};
use crate::connect::ConnectError;
use crate::secret::ApiKey;

pub(super) const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
pub(super) const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// The service, as signatures name it.
const SERVICE: &str = "bedrock";

/// Signs requests to Amazon, version 4.
#[derive(Clone)]
pub(super) struct Signer {
    credentials: AwsCredentials,
    region: String,
    secrets: Vec<ApiKey>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Signer {
    /// From the usual variables; `None` where there are none.
    pub(super) fn find(model: &ModelName, base: &Url, env: Env<'_>) -> Result<Option<Self>, ConnectError> {
        let get = |var| key(var, env).transpose();
        let missing = |var: &str| ConnectError::NoKey { model: model.clone(), var: var.to_owned() };
        let (access, secret) = match (get(ACCESS_KEY)?, get(SECRET_KEY)?) {
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(missing(SECRET_KEY)),
            (None, Some(_)) => return Err(missing(ACCESS_KEY)),
            (Some(access), Some(secret)) => (access, secret),
        };
        let token = get(SESSION_TOKEN)?;
        let named = || ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(env);
        let named = || named().map(|region| region.trim().to_owned()).filter(|region| !region.is_empty());
        let region = region_of(base).or_else(named);
        let region = region.ok_or_else(|| ConnectError::NoRegion { model: model.clone() })?;
        let credentials = AwsCredentials::new(
            access.expose(),
            secret.expose(),
            token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "environment",
        );
        let secrets = [secret, access].into_iter().chain(token).collect();
        Ok(Some(Self { credentials, region, secrets }))
    }

    /// What must not be seen: the access key itself says whose account it is.
    pub(super) fn secrets(&self) -> &[ApiKey] {
        &self.secrets
    }

    /// Adds the signature of a request and its body, as of a time.
    pub(super) fn sign(
        &self,
        request: &mut reqwest::Request,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), String> {
        let failed = |error: &dyn std::error::Error| format!("the request cannot be signed: {error}");
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| failed(&e))?
            .into();
        let mut url = request.url().clone();
        // These fail only for URLs without a host, which are refused earlier.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.map(|kind| (CONTENT_TYPE.as_str(), kind));
        let signable = SignableRequest::new(
            request.method().as_str(),
            url.as_str(),
            kind.into_iter(),
            SignableBody::Bytes(body),
        );
        let (signed, _) =
            sign(signable.map_err(|e| failed(&e))?, &params).map_err(|e| failed(&e))?.into_parts();
        for header in signed.into_parts().0 {
            let mut value = HeaderValue::from_str(header.value()).map_err(|e| failed(&e))?;
            value.set_sensitive(true);
            request.headers_mut().insert(HeaderName::from_static(header.name()), value);
        }
        Ok(())
    }
}

/// The region in an address of Bedrock's: what follows the service's name.
fn region_of(base: &Url) -> Option<String> {
    let mut labels = base.host_str()?.split('.');
    labels.find(|label| matches!(*label, "bedrock-runtime" | "bedrock-runtime-fips"))?;
    let region = labels.next().filter(|label| label.contains('-'))?;
    Some(region.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// 2026-11-24 08:30:00 UTC.
    const NOW: Duration = Duration::from_secs(1_795_509_000);
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The signature of a request, as the example credentials of Amazon's documentation make it.
    fn check(base: &str, path: &str, body: &[u8], token: Option<&str>, region: Option<&str>, expected: &str) {
        let env = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("AKIDEXAMPLE".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some(format!("{SECRET}\n")),
            "AWS_SESSION_TOKEN" => token.map(str::to_owned),
            "AWS_DEFAULT_REGION" => region.map(str::to_owned),
            _ => None,
        };
        let model = ModelName::parse("bedrock/m").expect("a name");
        let url = Url::parse(&format!("{base}{path}")).expect("a URL");
        let signer = Signer::find(&model, &url, &env).expect("credentials").expect("a signer");
        let mut request = reqwest::Request::new(reqwest::Method::POST, url);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        signer.sign(&mut request, body, UNIX_EPOCH + NOW).expect("a signature");
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().expect("text"));
        let authorisation = header("authorization").expect("a signature");
        let (_, signature) = authorisation.split_once("Signature=").expect("a signature");
        assert_eq!(signature, expected, "{path}: {authorisation}");
        assert_eq!(header("x-amz-date"), Some("20261124T083000Z"));
        assert_eq!(header("x-amz-security-token"), token);
        assert!(request.headers().values().skip(1).all(HeaderValue::is_sensitive), "{:?}", request.headers());
        assert!(!format!("{signer:?} {request:?}").contains("EXAMPLE"), "{signer:?}");
    }

    // The expected values were computed with botocore 1.44.5.
    #[test]
    fn signatures_are_those_of_amazons_own_client() {
        let body = br#"{"messages":[{"role":"user","content":[{"text":"what is 2 + 3?"}]}]}"#;
        check(
            "https://bedrock-runtime.us-east-1.amazonaws.com",
            "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse",
            body,
            None,
            // The address knows better.
            Some("eu-north-1"),
            "b399b6325cb0ee174027097e2cdb9656925f01a2d49be361f1c8921640433ef0",
        );
        check(
            "https://bedrock-runtime.eu-west-3.amazonaws.com",
            "/model/openai.gpt-oss-20b-1%3A0/converse-stream",
            body,
            Some("SESSION/TOKEN+EXAMPLE=="),
            None,
            "50f710150edc002ec4bf3d573a772fad9d796d1ca07b76692f77a288800bcc2b",
        );
        check(
            "http://user:secret@127.0.0.1:8080",
            "/model/arn%3Aaws%3Abedrock%3Aus-west-2%3A1%3Ainference-profile%2Fx/converse?a=1&b=two",
            b"{}",
            None,
            Some(" us-west-2\n"),
            "234c4d55ab16873a28a06dc2e18a9daba5228cefe7965407309bebcda0798a4e",
        );
    }

    #[test]
    fn a_region_is_read_from_an_address() {
        for (address, region) in [
            ("https://bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/x", Some("us-gov-west-1")),
            ("https://vpce-1-2.bedrock-runtime.eu-west-3.vpce.amazonaws.com", Some("eu-west-3")),
            ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("https://bedrock-runtime.internal", None),
            ("https://gateway.example/bedrock-runtime", None),
            ("http://127.0.0.1:1", None),
        ] {
            assert_eq!(region_of(&Url::parse(address).expect("a URL")).as_deref(), region, "{address}");
        }
    }
}
