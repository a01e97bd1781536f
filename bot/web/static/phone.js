// The agent's telephone in the browser: SIP over WebSocket (RFC 7118), sound over WebRTC.
// Built on SIP.js. It only registers and answers; every call is begun by the server.

export class BrowserPhone {
  // show(state, text): none, ready, talking or wrong; auto(): whether to answer by itself.
  constructor(audio, show, auto) {
    this.audio = audio;
    this.show = show;
    this.auto = auto;
    this.user = null;
  }

  async connect() {
    this.show("none", "正在连接……");
    try {
      const { Web } = await import("/static/sip/index.js");
      const answer = await fetch("/desk/phone");
      if (!answer.ok) throw new Error(await answer.text());
      const { user, password, url } = await answer.json();
      const host = new URL(url).hostname;
      this.user = new Web.SimpleUser(url, {
        aor: `sip:${user}@${host}`,
        media: { remote: { audio: this.audio } },
        reconnectionAttempts: 1000,
        reconnectionDelay: 3,
        registererOptions: { expires: 60 },
        userAgentOptions: {
          authorizationUsername: user,
          authorizationPassword: password,
          displayName: user,
          logBuiltinEnabled: false,
          // No STUN server: browsers and Asterisk meet on the agents' own network.
          sessionDescriptionHandlerFactoryOptions: {
            iceGatheringTimeout: 1000,
            peerConnectionConfiguration: { iceServers: [] },
          },
        },
        delegate: {
          onCallReceived: () => this.ring(),
          onCallAnswered: () => this.show("talking", "网页电话通话中"),
          onCallHangup: () => this.show("ready", "网页电话就绪"),
          onRegistered: () => this.show("ready", "网页电话就绪"),
          onUnregistered: () => this.show("none", "网页电话未连接"),
          onServerDisconnect: () => this.show("wrong", "网页电话断线，正在重连"),
          onServerConnect: () => this.user?.register(),
        },
      });
      await this.user.connect();
    } catch (error) {
      this.show("wrong", "网页电话不可用");
      console.warn("browser phone:", error);
    }
  }

  async ring() {
    if (this.auto() || confirm("有来电，是否接听？")) await this.user.answer();
    else await this.user.decline();
  }

  async disconnect() {
    await this.user?.disconnect();
    this.user = null;
    this.show("ready", "使用桌面话机");
  }
}
